import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault } from "@skep/fault";
import fc from "fast-check";
import { canonical, canonicalUtf8 } from "./mod.ts";

/** A slow writer made from the sentences of RFC 8785, the oracle of the fast one. */
function slow(value: unknown, order: (a: string, b: string) => number): string {
  if (Array.isArray(value)) return `[${value.map((item) => slow(item, order)).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => order(a, b));
  return `{${members.map(([key, item]) => `${JSON.stringify(key)}:${slow(item, order)}`).join(",")}}`;
}
const byUnits = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

const text = fc
  .oneof(fc.string(), fc.string({ unit: "grapheme" }), fc.string({ unit: "binary" }))
  .filter((s) => s.isWellFormed());
const key = fc.oneof(
  text,
  fc.constantFrom("\ue000", "\ufb33", "\u{10000}", "\u{1f600}", "10", "9", "__proto__", "toJSON"),
);
const values = fc.letrec((tie) => ({
  node: fc.oneof(
    { depthSize: "small" },
    tie("leaf"),
    fc.array(tie("node")),
    fc.dictionary(key, tie("node"), { noNullPrototype: false }),
  ),
  leaf: fc.oneof(
    text,
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
  ),
})).node;
const wholeValues = fc.letrec((tie) => ({
  node: fc.oneof({ depthSize: "small" }, tie("leaf"), fc.array(tie("node")), fc.dictionary(key, tie("node"))),
  leaf: fc.oneof(text, fc.maxSafeInteger(), fc.boolean(), fc.constant(null)),
})).node;

test("the fast writer agrees with a slow one for every JSON value", () => {
  fc.assert(fc.property(values, (value) => assert.equal(canonical(value), slow(value, byUnits))));
});

test("the UTF-8 form agrees with a slow writer that sorts encoded bytes", () => {
  fc.assert(fc.property(wholeValues, (value) => assert.equal(canonicalUtf8(value), slow(value, byBytes))));
});

test("parsing a canonical text and writing it again gives the same text", () => {
  fc.assert(
    fc.property(values, (value) => {
      const once = canonical(value);
      assert.equal(canonical(JSON.parse(once)), once);
    }),
  );
});

test("the sample of RFC 8785 section 3.2.4 comes out byte for byte", () => {
  const sample = {
    numbers: [Number("333333333.33333329"), 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
    string: "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"/",
    literals: [null, true, false],
  };
  assert.equal(
    canonical(sample),
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  );
});

test("the sorting sample of RFC 8785 section 3.2.3 keeps UTF-16 order", () => {
  const sample = { "\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\u{1f600}": 5, "\u0080": 6, "\u00f6": 7 };
  assert.deepEqual([...canonical(sample).matchAll(/:(\d)/g)].map((m) => m[1]).join(""), "2467153");
  assert.deepEqual([...canonicalUtf8(sample).matchAll(/:(\d)/g)].map((m) => m[1]).join(""), "2467135");
});

test("numbers of the Phase form are written as serde_json writes them", () => {
  const rows: [number, string][] = [
    [1.5, "1.5"],
    [-0, "0"],
    [0.00001, "0.00001"],
    [0.0000015, "1.5e-6"],
    [1e-7, "1e-7"],
    [2 ** 53 - 1, "9007199254740991"],
  ];
  for (const [number, expected] of rows) assert.equal(canonicalUtf8([number]), `[${expected}]`);
  assert.throws(() => canonicalUtf8({ big: 2 ** 53 }), /the number 9007199254740992 stands at \$\.big/);
});

const cycle: { a: unknown[] } = { a: [] };
cycle.a.push({ back: cycle });
let deep: unknown = 1;
for (let level = 0; level < 300; level++) deep = [deep];
const refusals: [name: string, value: unknown, code: string, message: RegExp][] = [
  ["undefined in an object", { a: [{ b: undefined }] }, "canon.value", /undefined stands at \$\.a\[0\]\.b$/],
  ["a hole", Object.assign([1], { 2: 2 }), "canon.value", /undefined stands at \$\[1\]$/],
  ["NaN", { "a b": Number.NaN }, "canon.value", /the number NaN stands at \$\["a b"\]$/],
  ["Infinity", [Number.POSITIVE_INFINITY], "canon.value", /the number Infinity stands at \$\[0\]$/],
  ["a bigint", { n: 1n }, "canon.value", /a bigint stands at \$\.n$/],
  ["a function", { toJSON: () => 1 }, "canon.value", /a function stands at \$\.toJSON$/],
  ["a symbol", [Symbol("x")], "canon.value", /a symbol stands at \$\[0\]$/],
  ["a date", { at: new Date(0) }, "canon.value", /not plain stands at \$\.at$/],
  ["a lone surrogate", { s: "a\ud800" }, "canon.value", /lone surrogate stands at \$\.s$/],
  [
    "a long lone surrogate",
    { s: `${"a".repeat(99)}\udc00` },
    "canon.value",
    /lone surrogate stands at \$\.s$/,
  ],
  ["a key with a lone surrogate", { "\udc00": 1 }, "canon.value", /key with a lone surrogate/],
  ["a cycle", cycle, "canon.depth", /a cycle closes at \$\.a\[0\]\.back$/],
  ["too many levels", deep, "canon.depth", /more than 256 levels/],
];
for (const [name, value, code, message] of refusals)
  test(`${name} is refused with its path, in both forms`, () => {
    for (const write of [canonical, canonicalUtf8])
      assert.throws(
        () => write(value),
        (thrown) => thrown instanceof Fault && thrown.code === code && message.test(thrown.message),
      );
  });

test("an array that carries its own toJSON is written by its items", () => {
  assert.equal(canonical(Object.assign([1, 2], { toJSON: () => "no" })), "[1,2]");
});

test("a value shared twice is no cycle", () => {
  const shared = { n: 1 };
  assert.equal(canonical({ b: shared, a: [shared, shared] }), '{"a":[{"n":1},{"n":1}],"b":{"n":1}}');
});
