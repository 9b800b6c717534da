import assert from "node:assert/strict";
import { test } from "node:test";
import { decode } from "./codec.ts";
import { Outbox } from "./outbox.ts";
import type { Wire } from "./wire.ts";

function wire(written: Uint8Array[]): Wire {
  return {
    listen: () => undefined,
    write: (bytes) => {
      written.push(bytes);
      return true;
    },
    pause: () => undefined,
    resume: () => undefined,
    close: () => undefined,
  };
}

test("outboxes share their buffers, and none writes over what another was given or has sent", () => {
  const sent = Array.from({ length: 50 }, () => [] as Uint8Array[]);
  const boxes = sent.map((written) => new Outbox(wire(written)));
  const told: string[][] = sent.map(() => []);
  for (let turn = 0; turn < 400; turn += 1)
    for (const [at, box] of boxes.entries()) {
      const version = `${at}/${turn}`.padEnd(1 + ((turn * 7 + at * 13) % 90), ".");
      box.put("Tversion", at, { msize: turn, version });
      told[at]?.push(version);
      // Some wait with theirs while others go on in the same buffers.
      if ((turn + at) % 3 === 0) box.flush();
    }
  for (const box of boxes) box.flush();
  for (const [at, written] of sent.entries()) {
    const bytes = Buffer.concat(written);
    const found: string[] = [];
    for (let from = 0; from < bytes.length; ) {
      const size = bytes.readUInt32LE(from);
      const message = decode(bytes.subarray(from, from + size));
      assert.equal(message.tag, at);
      assert.ok(message.type === "Tversion");
      found.push(message.version);
      from += size;
    }
    assert.deepEqual(found, told[at]);
  }
});

test("outboxes that each send at once share a buffer", () => {
  const sent: Uint8Array[] = [];
  const boxes = Array.from({ length: 1000 }, () => new Outbox(wire(sent)));
  for (const box of boxes) {
    box.put("Rclunk", 1, {});
    box.flush();
  }
  assert.equal(sent.length, 1000);
  assert.ok(new Set(sent.map(({ buffer }) => buffer)).size <= 2);
});

test("an outbox that sent everything holds no buffer", () => {
  const box = new Outbox(wire([]));
  box.put("Rclunk", 1, {});
  assert.ok(box.bytes.length > 0);
  box.flush();
  assert.equal(box.bytes.length, 0);
});

test("outboxes that have little each and wait for the same turn take no large buffer of their own", () => {
  const sent: Uint8Array[] = [];
  const boxes = Array.from({ length: 300 }, () => new Outbox(wire(sent)));
  for (const box of boxes) box.put("Rclunk", 1, {});
  const held = new Set(boxes.map(({ bytes }) => bytes.buffer));
  const size = [...held].reduce((sum, { byteLength }) => sum + byteLength, 0);
  assert.ok(size < 100 * 8192, `${size} bytes`);
  for (const box of boxes) box.flush();
  assert.equal(sent.length, 300);
});

test("what is answered in one turn leaves in one write, however small the buffer was in which it began", () => {
  const [written, other]: Uint8Array[][] = [[], []];
  const first = new Outbox(wire(other ?? []));
  first.put("Rclunk", 1, {});
  const box = new Outbox(wire(written ?? []));
  for (let at = 0; at < 2000; at += 1) box.put("Rclunk", at, {});
  box.flush();
  assert.equal(written?.length, 1);
  const [bytes] = written ?? [];
  for (let at = 0; at < 2000; at += 1)
    assert.equal(decode(Buffer.from(bytes?.subarray(at * 7, at * 7 + 7) ?? [])).tag, at);
});
