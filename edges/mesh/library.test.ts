import assert from "node:assert/strict";
import { test } from "node:test";
import { whole } from "./whole.ts";

// What is reached for inside libp2p has no type: these hold as long as it is there.

test("a stream of yamux has the method that tells of room, and the figures that are asked before", async () => {
  const inside = await import(new URL("stream.js", import.meta.resolve("@libp2p/yamux")).href);
  assert.equal(typeof inside.YamuxStream.prototype.sendWindowUpdate, "function");
  assert.equal(inside.StreamState.Established, 3);
  const text = String(inside.YamuxStream);
  for (const field of ["recvWindow;", "recvWindowCapacity;", "state;"])
    assert.ok(text.includes(field), field);
});

/** A connection that says what it is told to, and the messages that the encryption over it gives. */
async function listening() {
  const { toMessageStream } = await import(new URL("utils.js", import.meta.resolve("@libp2p/noise")).href);
  const scope = Object.assign(() => undefined, { error: () => undefined, trace: () => undefined });
  const wire = Object.assign(new EventTarget(), { log: { ...scope, newScope: () => scope } });
  const plain = { decrypt: (bytes: unknown) => bytes };
  const secured = { connection: toMessageStream(wire, plain) };
  const made = { secureInbound: async () => secured, secureOutbound: async () => secured };
  await whole((() => made) as never)({} as never).secureInbound(wire as never);
  const heard: string[] = [];
  secured.connection.addEventListener("message", ({ data }: { data: { subarray(): Uint8Array } }) =>
    heard.push(Buffer.from(data.subarray()).toString()),
  );
  const say = (data: Uint8Array) => wire.dispatchEvent(Object.assign(new Event("message"), { data }));
  return { heard, say, decoder: secured.connection.decoder };
}

test("messages are found in packets however these are cut, and the end of a packet is not thrown", async () => {
  const frame = (text: string): Buffer => {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(text.length);
    return Buffer.concat([length, Buffer.from(text)]);
  };
  // Longer than a tag, which the library cuts off nothing of here.
  const texts = ["a".repeat(20), "b".repeat(300), "c".repeat(17)];
  const all = Buffer.concat(texts.map(frame));
  for (const size of [1, 2, 3, 19, 23, 322, all.length]) {
    const { heard, say, decoder } = await listening();
    for (let at = 0; at < all.length; at += size) say(all.subarray(at, at + size));
    assert.deepEqual(heard, texts);
    assert.equal(decoder.lengthDecoder(Buffer.alloc(1)), 65_535);
  }
});
