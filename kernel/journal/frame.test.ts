import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeHeader, encodeGroup, encodeHeader, frameHead, headerSize, scanFrames } from "./frame.ts";

const largest = 65_535;
const record = (words: string) => Buffer.from(JSON.stringify({ words }));

function frames(groups: readonly (readonly Buffer[])[]): Buffer {
  return Buffer.concat(groups.map(encodeGroup));
}

const groups = fc.array(
  fc.array(fc.string({ unit: "binary", maxLength: 60 }).map(record), { minLength: 1, maxLength: 4 }),
  { minLength: 1, maxLength: 4 },
);

test("a header gives back its sequence, and any flipped bit makes it none", () => {
  for (const first of [0, 1, 255, 2 ** 40]) {
    const header = encodeHeader(first);
    assert.equal(header.length, headerSize);
    assert.equal(decodeHeader(header), first);
    for (let bit = 0; bit < headerSize * 8; bit += 1) {
      const bad = Buffer.from(header);
      bad.writeUInt8(bad.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      assert.equal(decodeHeader(bad), undefined, `bit ${bit}`);
    }
  }
  assert.equal(decodeHeader(encodeHeader(1).subarray(0, headerSize - 1)), undefined);
});

test("a scan finds every frame that was written and where the last group begins", () => {
  fc.assert(
    fc.property(groups, (written) => {
      const bytes = frames(written);
      const scan = scanFrames(bytes, 0, largest);
      const found = scan.offsets.map((at) =>
        bytes.subarray(at + frameHead, at + frameHead + (bytes.readUInt32BE(at) & 0x7fff_ffff)),
      );
      assert.deepEqual(found, written.flat());
      assert.equal(scan.group, frames(written.slice(0, -1)).length);
      assert.deepEqual([scan.end, scan.rest, scan.damaged], [bytes.length, false, false]);
    }),
  );
});

test("a cut at any byte leaves the whole frames before it and is no damage", () => {
  fc.assert(
    fc.property(groups, fc.double({ min: 0, max: 1, noNaN: true }), (written, share) => {
      const bytes = frames(written);
      const cut = Math.floor(share * bytes.length);
      const ends = scanFrames(bytes, 0, largest).offsets.concat(bytes.length);
      const scan = scanFrames(bytes.subarray(0, cut), 0, largest);
      assert.equal(scan.end, Math.max(...ends.filter((end) => end <= cut)));
      assert.equal(scan.rest, cut > scan.end);
      assert.equal(scan.damaged, false);
    }),
  );
});

test("a flipped bit in a record or its checksum is damage before a later group and a torn write in the last", () => {
  fc.assert(
    fc.property(groups, fc.nat(), fc.nat(), (written, place, bit) => {
      const bytes = frames(written);
      const { offsets, group } = scanFrames(bytes, 0, largest);
      const frame = offsets[place % offsets.length] ?? 0;
      const end = offsets[(place % offsets.length) + 1] ?? bytes.length;
      const at = frame + 4 + ((bit % ((end - frame - 4) * 8)) >> 3);
      bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << (bit % 8)), at);
      const scan = scanFrames(bytes, 0, largest);
      assert.equal(scan.end, frame);
      assert.equal(scan.damaged, frame < group);
    }),
  );
});

test("a hole in the last group cuts what follows it in that group, and is no damage", () => {
  const bytes = frames([[record("a")], [record("b"), record("c"), record("d")]]);
  const { offsets } = scanFrames(bytes, 0, largest);
  bytes.fill(0, offsets[2], offsets[3]);
  const scan = scanFrames(bytes, 0, largest);
  assert.deepEqual([scan.offsets.length, scan.rest, scan.damaged], [2, true, false]);
});

test("zeros after the frames are no frames", () => {
  const bytes = frames([[record("a")]]);
  const scan = scanFrames(Buffer.concat([bytes, Buffer.alloc(5000)]), 0, largest);
  assert.deepEqual([scan.end, scan.rest, scan.damaged], [bytes.length, true, false]);
});

test("no record can pass for the group that makes a hole damage", () => {
  // What a frame head looks like cannot stand in JSON text: its second byte is 0.
  const inner = frames([[record("inner")]]).toString("latin1");
  const outer = frames([[record("a")], [record(inner), record("z")]]);
  const { offsets } = scanFrames(outer, 0, largest);
  outer.writeUInt8(outer.readUInt8((offsets[1] ?? 0) + 4) ^ 1, (offsets[1] ?? 0) + 4);
  assert.equal(scanFrames(outer, 0, largest).damaged, false);
});
