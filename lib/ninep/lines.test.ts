import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { linesOf } from "./mod.ts";

async function* cut(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

test("lines are the same however the stream is cut, also within a letter", async () => {
  const lines = fc.array(
    fc.string({ unit: "grapheme", maxLength: 20 }).map((line) => line.replaceAll("\n", "")),
  );
  await fc.assert(
    fc.asyncProperty(lines, fc.integer({ min: 1, max: 50 }), async (given, size) => {
      const text = given.map((line) => `${line}\n`).join("");
      assert.deepEqual(await Array.fromAsync(linesOf(cut(text, size))), given);
    }),
  );
});

test("what comes after the last newline is a line when the stream is over", async () => {
  assert.deepEqual(await Array.fromAsync(linesOf(cut("a\n\nb", 2))), ["a", "", "b"]);
});

for (const [what, text] of [
  ["ended", "12345\n"],
  ["open", "12345"],
] as const)
  test(`an ${what} line over the limit throws`, async () => {
    await assert.rejects(Array.fromAsync(linesOf(cut(text, 3), 4)), { code: "ninep.oversize" });
    assert.deepEqual(await Array.fromAsync(linesOf(cut("1234\n", 3), 4)), ["1234"]);
  });
