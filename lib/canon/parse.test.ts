import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault } from "@skep/fault";
import fc from "fast-check";
import { parseJson } from "./mod.ts";

const refusals: [text: string, code: string, message: RegExp][] = [
  ['{"a":1,"a":2}', "json.duplicate", /a repeated name at byte 7$/],
  ['{"é":1,"\\u00e9":2}', "json.duplicate", /at byte 8$/],
  ['[{"x":{"b":1,"c":2,"b":3}}]', "json.duplicate", /at byte 19$/],
  ['{"__proto__":{"admin":true}}', "json.name", /at byte 1$/],
  ['{"a":{"\\u005f_proto__":1}}', "json.name", /at byte 6$/],
  ["[1] x", "json.syntax", /something follows the value at byte 4$/],
  ['{"a":1}{"a":1}', "json.syntax", /something follows the value at byte 7$/],
  ["", "json.syntax", /ends too early at byte 0$/],
  ["[1,]", "json.syntax", /no value starts at byte 3$/],
  ["{'a':1}", "json.syntax", /no name starts at byte 1$/],
  ['{"a" 1}', "json.syntax", /no colon follows a name at byte 5$/],
  ['["a', "json.syntax", /ends inside a string at byte 3$/],
  ['["\\x"]', "json.syntax", /an escape is not valid at byte 2$/],
  ['["\n"]', "json.syntax", /a control character stands in a string at byte 2$/],
  ['["\\ud800"]', "json.surrogate", /at byte 1$/],
  ["[1e999]", "json.number", /too large at byte 1$/],
  ["01", "json.syntax", /something follows the value at byte 1$/],
  ["\ufeff1", "json.syntax", /no value starts at byte 0$/],
  ["nul", "json.syntax", /no value starts at byte 0$/],
];
for (const [text, code, message] of refusals)
  test(`${JSON.stringify(text)} is refused as ${code}`, () => {
    assert.throws(
      () => parseJson(text),
      (thrown) => thrown instanceof Fault && thrown.code === code && message.test(thrown.message),
    );
  });

test("a depth bomb is refused before it is parsed, and its position is told", () => {
  const bomb = "[".repeat(1_000_000);
  assert.throws(() => parseJson(bomb), { code: "json.depth", message: /more than 64 levels at byte 64$/ });
  assert.deepEqual(parseJson("[[1]]", { maxDepth: 2 }), [[1]]);
  assert.throws(() => parseJson("[[1]]", { maxDepth: 1 }), { code: "json.depth" });
});

test("the length limit counts bytes of UTF-8, not characters", () => {
  assert.equal(parseJson('"éé"', { maxLength: 6 }), "éé");
  assert.throws(() => parseJson('"ééé"', { maxLength: 6 }), { code: "json.oversize", kind: "oversize" });
});

test("no refusal shows what the text contains", () => {
  assert.throws(
    () => parseJson('{"token":"hunter2" "x"}'),
    (thrown) => thrown instanceof Fault && !/hunter2|token/.test(thrown.message),
  );
});

test("brackets, colons and quotes inside strings are not counted", () => {
  const text = '{"a:{[\\"":"}]:\\\\","b":["\\\\\\":{"]}';
  assert.deepEqual(parseJson(text), JSON.parse(text));
});

const clean = fc.jsonValue({ maxDepth: 5, stringUnit: "binary" }).filter((value) => {
  const text = JSON.stringify(value);
  return !text.includes("__proto__") && !/\\ud/.test(text);
});

test("every JSON text without repetition is accepted as JSON.parse reads it", () => {
  fc.assert(
    fc.property(clean, fc.constantFrom(undefined, 1, "\t"), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      assert.deepEqual(parseJson(text), JSON.parse(text));
    }),
  );
});

test("a text with one byte changed is accepted only where JSON.parse accepts it", () => {
  fc.assert(
    fc.property(clean, fc.nat(), fc.constantFrom(...'{}[]:,"\\0e-x \n'), (value, where, unit) => {
      const text = JSON.stringify(value);
      const at = where % text.length;
      const broken = text.slice(0, at) + unit + text.slice(at + 1);
      let expected: unknown;
      let code = "";
      try {
        expected = JSON.parse(broken);
      } catch {
        code = "json.syntax";
      }
      try {
        assert.deepEqual(parseJson(broken), expected);
        assert.equal(code, "");
      } catch (thrown) {
        if (!(thrown instanceof Fault)) throw thrown;
        assert.notEqual(thrown.message, "Cannot parse JSON: the text is not valid");
        if (thrown.code === "json.syntax") assert.equal(code, "json.syntax");
      }
    }),
    { numRuns: 500 },
  );
});
