import assert from "node:assert/strict";
import { test } from "node:test";
import { parseBurnt, printBurnt } from "./mod.ts";

const nonce = (digit: string) => digit.repeat(32);
const file = ["a", "b", "c"]
  .map((digit, at) => printBurnt({ nonce: nonce(digit), notAfter: 1000 + at }))
  .join("");

test("a nonce is burnt from the line that was written whole on", () => {
  assert.equal(file.split("\n")[0], `${nonce("a")} 1970-01-01T00:16:40Z`);
  for (let length = 0; length <= file.length; length += 1) {
    const burnt = parseBurnt(Buffer.from(file.slice(0, length)));
    const lines = Math.floor(length / (file.length / 3));
    assert.deepEqual(
      ["a", "b", "c"].map((digit) => burnt.has(nonce(digit))),
      [lines > 0, lines > 1, lines > 2],
    );
    assert.equal(burnt.whole, lines * (file.length / 3));
  }
});

test("what is pruned could no longer be accepted", () => {
  assert.equal(parseBurnt(file).prune(1000), file);
  assert.equal(parseBurnt(file).prune(1002), file.slice((file.length / 3) * 2));
  assert.equal(parseBurnt(file).prune(1003), "");
});

test("a damaged file lets nothing run", () => {
  for (const bad of [
    "\n",
    file.replace("b", "x"),
    file.replace("Z", ""),
    `${file}${file.slice(5)}`,
    `\0\0${file}`,
  ])
    assert.throws(() => parseBurnt(bad), { code: "statement.burnt" }, JSON.stringify(bad));
  assert.throws(() => printBurnt({ nonce: "a b", notAfter: 1 }), { code: "statement.value" });
  assert.throws(() => printBurnt({ nonce: nonce("a"), notAfter: Number.NaN }), { code: "statement.value" });
});
