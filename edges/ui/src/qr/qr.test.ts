import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { correction } from "./field.ts";
import { type Code, codeOf } from "./qr.ts";
import { alignments, capacity, room, sideOf } from "./size.ts";

function rowsOf(code: Code): readonly string[] {
  return Array.from({ length: code.side }, (_, y) =>
    Array.from({ length: code.side }, (_, x) => (code.isDark(x, y) ? "#" : ".")).join(""),
  );
}

test("a code has the room that the standard says", () => {
  // ISO/IEC 18004, table 7: bytes of data of some versions, low and medium.
  const known = [
    [1, 19, 16],
    [5, 108, 86],
    [10, 274, 216],
    [27, 1468, 1128],
    [40, 2956, 2334],
  ] as const;
  for (const [version, low, medium] of known)
    assert.deepEqual([capacity(version, "low"), capacity(version, "medium")], [low, medium], `${version}`);
  assert.equal(room(7), 196);
});

test("alignment patterns stand where annex E has them", () => {
  assert.deepEqual(alignments(1), []);
  assert.deepEqual(alignments(2), [6, 18]);
  assert.deepEqual(alignments(15), [6, 26, 48, 70]);
  assert.deepEqual(alignments(32), [6, 34, 60, 86, 112, 138]);
  assert.deepEqual(alignments(40), [6, 30, 58, 86, 114, 142, 170]);
});

test("the correction of the standard's example is the one that annex I prints", () => {
  const data = Uint8Array.from([
    0x10, 0x20, 0x0c, 0x56, 0x61, 0x80, 0xec, 0x11, 0xec, 0x11, 0xec, 0x11, 0xec, 0x11, 0xec, 0x11,
  ]);
  assert.equal(Buffer.from(correction(data, 10)).toString("hex"), "a524d4c1ed36c7872c55");
});

test("the smallest code is taken, with less correction only where it needs that to fit, and none beyond 2,953 bytes", () => {
  const sizes = [14, 15, 2331, 2332, 2953].map((length) => codeOf("x".repeat(length)));
  assert.deepEqual(
    sizes.map((code) => `${code?.version} ${code?.level}`),
    ["1 medium", "2 medium", "40 medium", "36 low", "40 low"],
  );
  assert.equal(codeOf("é".repeat(1477)), undefined);
});

test("three corners and the timing between them are where a camera looks for them", () => {
  for (const length of [1, 200, 1000]) {
    const code = codeOf("s".repeat(length));
    assert.ok(code);
    const rows = rowsOf(code);
    assert.equal(code.side, sideOf(code.version));
    assert.equal(rows[0]?.slice(0, 8), "#######.");
    assert.equal(rows[3]?.slice(0, 8), "#.###.#.");
    assert.equal(rows[0]?.slice(-8), ".#######");
    assert.equal(rows[code.side - 1]?.slice(0, 8), "#######.");
    assert.match(rows[6]?.slice(6, -6) ?? "", /^(#\.)+#$/);
  }
});

test("the codes are those that a reader of somebody else read back, byte for byte", () => {
  const text = "skep-statement v1\nact: queen.kill\nundo: Spawn another – the number is never used again\n";
  const told = [text, text.repeat(6), text.repeat(20)].map((one) => {
    const code = codeOf(one);
    assert.ok(code);
    return createHash("sha256").update(rowsOf(code).join("\n")).digest("hex").slice(0, 16);
  });
  assert.deepEqual(told, ["f88e0a2b26c5ad92", "103f027b05a256ba", "62961542f9172f2b"]);
});
