import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Framer } from "./framer.ts";

function frameOf(length: number, fill: number): Buffer {
  const frame = Buffer.alloc(length, fill);
  frame.writeUInt32LE(length);
  return frame;
}

function taken(framer: Framer): Buffer[] {
  const frames: Buffer[] = [];
  while (framer.next()) frames.push(framer.bytes.subarray(framer.start, framer.end));
  return frames;
}

test("frames are the same however the stream is cut, and stay as they are", () => {
  const lengths = fc.array(fc.integer({ min: 7, max: 300 }), { maxLength: 12 });
  fc.assert(
    fc.property(lengths, fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1 }), (sizes, cuts) => {
      const frames = sizes.map((size, at) => frameOf(size, at));
      const stream = Buffer.concat(frames);
      const framer = new Framer(300);
      const seen: Buffer[] = [];
      for (let at = 0, turn = 0; at < stream.length; turn++) {
        const next = Math.min(stream.length, at + (cuts[turn % cuts.length] as number));
        framer.push(Buffer.from(stream.subarray(at, next)));
        seen.push(...taken(framer));
        at = next;
      }
      assert.deepEqual(seen, frames);
      assert.equal(framer.waiting, 0);
    }),
  );
});

test("a frame that is taken one at a time between pushes is not lost", () => {
  const framer = new Framer(100);
  framer.push(Buffer.concat([frameOf(50, 1), frameOf(60, 2), frameOf(70, 3).subarray(0, 30)]));
  assert.equal(framer.next(), true);
  framer.push(frameOf(70, 3).subarray(30));
  assert.deepEqual(taken(framer), [frameOf(60, 2), frameOf(70, 3)]);
});

test("what was taken whole is not kept, and what was taken of it stays", () => {
  const framer = new Framer(100);
  const chunk = Buffer.concat([frameOf(50, 1), frameOf(60, 2)]);
  framer.push(chunk);
  const frames = taken(framer);
  assert.deepEqual(frames, [frameOf(50, 1), frameOf(60, 2)]);
  assert.notEqual(framer.bytes.buffer, chunk.buffer);
  framer.push(frameOf(70, 3));
  assert.deepEqual(taken(framer), [frameOf(70, 3)]);
});

for (const size of [0, 6, 101, 0xffff_ffff])
  test(`a frame that says it has ${size} bytes is refused at its first four bytes`, () => {
    const framer = new Framer(100);
    const start = Buffer.alloc(4);
    start.writeUInt32LE(size);
    framer.push(start);
    assert.throws(() => framer.next(), { code: "ninep.malformed" });
  });

test("a large frame in small pieces is copied a few times at most", () => {
  const framer = new Framer(1 << 20);
  const frame = frameOf(1 << 20, 1);
  const buffers = new Set<ArrayBufferLike>();
  for (let at = 0; at < frame.length; at += 4096) {
    framer.push(frame.subarray(at, at + 4096));
    buffers.add(framer.bytes.buffer);
    if (at + 4096 < frame.length) assert.equal(framer.next(), false);
  }
  assert.equal(framer.next(), true);
  assert.ok(buffers.size <= 3, `${buffers.size} buffers`);
});
