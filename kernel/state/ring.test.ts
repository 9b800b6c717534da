import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Ring } from "./ring.ts";

test("a ring gives the last bytes of all that was appended, whatever its size and however they came", () => {
  const capacities = fc.oneof(
    fc.integer({ min: 1, max: 40 }),
    fc.constantFrom(1024, 1500, 4096, 16_384, 9000),
  );
  const sizes = fc.array(fc.oneof(fc.integer({ min: 0, max: 90 }), fc.integer({ min: 0, max: 7000 })), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(capacities, sizes, fc.nat(), fc.nat(), (capacity, lengths, from, count) => {
      const ring = new Ring(capacity);
      let all = Buffer.alloc(0);
      let dropped = 0;
      ring.onWrap = (bytes) => (dropped += bytes);
      for (const [at, length] of lengths.entries()) {
        const data = Buffer.from(Array.from({ length }, (_, byte) => (at * 31 + byte * 7) & 0xff));
        assert.equal(ring.append(data), all.length);
        all = Buffer.concat([all, data]);
      }
      const base = Math.max(0, all.length - capacity);
      assert.deepEqual([ring.base, ring.next, dropped], [base, all.length, base]);
      assert.deepEqual(Buffer.from(ring.read(0, all.length)), all.subarray(base));
      const offset = base + (from % (capacity + 1));
      const some = count % (capacity + 1);
      assert.deepEqual(Buffer.from(ring.read(offset, some)), all.subarray(offset, offset + some));
    }),
    { numRuns: 60 },
  );
});

test("what was read stays as it was when the ring goes on", () => {
  const ring = new Ring(8);
  ring.append(Buffer.from("12345678"));
  const read = ring.read(0, 8);
  ring.append(Buffer.from("abcd"));
  assert.equal(Buffer.from(read).toString(), "12345678");
  assert.equal(Buffer.from(ring.read(0, 100)).toString(), "5678abcd");
});

test("a ring that grows allocates what it needs, in pieces of 4 KiB at most, and no byte twice", (t) => {
  const sizes: number[] = [];
  class Counted extends SharedArrayBuffer {
    constructor(size = 0) {
      super(size);
      sizes.push(size);
    }
  }
  t.mock.property(globalThis, "SharedArrayBuffer", Counted);
  const ring = new Ring(10_000);
  ring.append(Buffer.alloc(100));
  assert.deepEqual(sizes, [1024]);
  for (let at = 0; at < 400; at += 1) ring.append(Buffer.alloc(100));
  assert.deepEqual(sizes, [1024, 1024, 2048, 4096, 1808]);
});
