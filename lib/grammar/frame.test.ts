import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeFrame, type FrameEvent, FrameReader } from "./mod.ts";

function feed(
  bytes: Uint8Array,
  sizes: readonly number[],
  allowed: number | ((head: string) => number),
): FrameEvent[] {
  const reader = new FrameReader(allowed);
  const found: FrameEvent[] = [];
  let at = 0;
  for (let turn = 0; at < bytes.length; turn++) {
    const size = sizes.length > 0 ? (sizes[turn % sizes.length] ?? 1) : bytes.length;
    found.push(...reader.push(bytes.subarray(at, at + size)));
    at += size;
  }
  return found;
}

test("PING is the eight bytes of the facts page", () => {
  assert.equal(encodeFrame("PING").toString("hex"), "0800000050494e47");
});

test("every sequence of lines comes back in order however the bytes are cut", () => {
  const line = fc.string({ unit: "grapheme", maxLength: 60 }).filter((text) => text.isWellFormed());
  fc.assert(
    fc.property(
      fc.array(line),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
      (lines, sizes) => {
        const bytes = Buffer.concat(lines.map((each) => encodeFrame(each)));
        assert.deepEqual(
          feed(bytes, sizes, 4096),
          lines.map((text) => ({ kind: "line", text })),
        );
      },
    ),
  );
});

test("a frame that is too long is skipped, named by its first bytes, and the next one is read", () => {
  const bytes = Buffer.concat([encodeFrame(`PING ${"x".repeat(252)}`), encodeFrame("PING")]);
  for (const sizes of [[1], [7], []])
    assert.deepEqual(feed(bytes, sizes, 256), [
      { kind: "tooLong", total: 261, head: `PING ${"x".repeat(19)}` },
      { kind: "line", text: "PING" },
    ]);
});

test("a frame of 256 bytes passes and one of 257 does not", () => {
  assert.equal(feed(encodeFrame("x".repeat(256)), [], 256)[0]?.kind, "line");
  assert.equal(feed(encodeFrame("x".repeat(257)), [], 256)[0]?.kind, "tooLong");
});

test("the allowed length may depend on the verb", () => {
  const allowed = (head: string) => (head.startsWith("ATTACH ") ? 8000 : 256);
  assert.equal(feed(encodeFrame(`ATTACH queen ${"t".repeat(600)}`), [5], allowed)[0]?.kind, "line");
  assert.equal(feed(encodeFrame(`ECHO /p ${"t".repeat(600)}`), [5], allowed)[0]?.kind, "tooLong");
});

test("a length under 4 or bytes that are no UTF-8 break the stream and nothing after them is read", () => {
  const tail = encodeFrame("PING");
  for (const total of [0, 1, 3]) {
    const bad = Buffer.from([total, 0, 0, 0]);
    assert.deepEqual(feed(Buffer.concat([bad, tail]), [1], 256), [{ kind: "broken", why: "length" }]);
  }
  const bad = Buffer.from([6, 0, 0, 0, 0xff, 0xfe]);
  assert.deepEqual(feed(Buffer.concat([bad, tail]), [], 256), [{ kind: "broken", why: "utf8" }]);
});

test("an empty frame is an empty line", () => {
  assert.deepEqual(feed(Buffer.from([4, 0, 0, 0]), [1], 256), [{ kind: "line", text: "" }]);
});

test("a length of four gigabytes that was only announced costs no memory", () => {
  const reader = new FrameReader(256);
  assert.deepEqual(reader.push(Buffer.from(`ffffffff${"41".repeat(24)}`, "hex")), [
    { kind: "tooLong", total: 0xffffffff, head: "A".repeat(24) },
  ]);
});

test("any bytes give events and never a throw", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 50 })), (chunks) => {
      const reader = new FrameReader(64);
      for (const chunk of chunks)
        for (const event of reader.push(chunk)) assert.ok(["line", "tooLong", "broken"].includes(event.kind));
    }),
  );
});
