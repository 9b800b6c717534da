import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { Chunker, split } from "./mod.ts";

const sizes = { least: 256, average: 1024, most: 4096 };

/** Bytes that look random and are the same each time. */
function noise(length: number, seed = "a"): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at * 32 < length; at += 1)
    parts.push(createHash("sha256").update(`${seed}${at}`).digest());
  return Buffer.concat(parts).subarray(0, length);
}

const digests = (bytes: Uint8Array): string[] =>
  split(bytes, sizes).map((chunk) => createHash("sha256").update(chunk).digest("hex"));

test("chunks are the same however the bytes are pushed, keep to their sizes and add up", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 20_000 }), fc.integer({ min: 1, max: 7000 }), (bytes, piece) => {
      const chunker = new Chunker(sizes);
      const pushed: Uint8Array[] = [];
      for (let at = 0; at < bytes.length; at += piece)
        pushed.push(...chunker.push(bytes.subarray(at, at + piece)));
      pushed.push(...chunker.end());
      assert.deepEqual(pushed.map(Buffer.from), split(bytes, sizes).map(Buffer.from));
      assert.deepEqual(Buffer.concat(pushed), Buffer.from(bytes));
      for (const chunk of pushed.slice(0, -1))
        assert.ok(chunk.length >= sizes.least && chunk.length <= sizes.most);
    }),
  );
});

test("what was pushed may be filled anew, Buffer or not", () => {
  const bytes = noise(20_000);
  for (const piece of [Buffer.alloc(1000), new Uint8Array(1000)]) {
    const chunker = new Chunker(sizes);
    const pushed: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += piece.length) {
      piece.set(bytes.subarray(at, at + piece.length));
      pushed.push(...chunker.push(piece).map((chunk) => Buffer.from(chunk)));
    }
    pushed.push(...chunker.end().map((chunk) => Buffer.from(chunk)));
    assert.deepEqual(Buffer.concat(pushed), bytes);
  }
});

test("a byte inserted in front changes the first chunks and no others", () => {
  const bytes = noise(400_000);
  const before = digests(bytes);
  const known = new Set(before);
  const fresh = digests(Buffer.concat([Buffer.from([7]), bytes])).filter((each) => !known.has(each));
  assert.ok(before.length > 200 && before.length < 600, `${before.length} chunks`);
  assert.ok(fresh.length <= 4, `${fresh.length} new chunks`);
});

test("chunks of known bytes are where they always were", () => {
  // Another cut would make everything that is stored new.
  const lengths = split(noise(20_000, "pinned"), sizes).map(({ length }) => length);
  assert.equal(
    lengths.reduce((sum, each) => sum + each, 0),
    20_000,
  );
  assert.equal(createHash("sha256").update(lengths.join()).digest("hex").slice(0, 16), "349b969b1acaaedb");
});

test("bytes that are all alike are cut at the longest", () => {
  assert.deepEqual(
    split(Buffer.alloc(10_000), sizes).map(({ length }) => length),
    [4096, 4096, 1808],
  );
});

test("sizes that do not grow, and an average that is no power of two, are refused", () => {
  for (const wrong of [
    { ...sizes, average: 1000 },
    { ...sizes, least: 2048 },
    { ...sizes, most: 1024 },
  ])
    assert.throws(() => split(Buffer.alloc(1), wrong), { code: "chunks.sizes" });
});
