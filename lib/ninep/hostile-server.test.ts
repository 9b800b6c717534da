import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault } from "@skep/fault";
import { type Client, createClient, encode, memoryWires, type Message, serve, type Wire } from "./mod.ts";
import { attack, draws } from "./fuzz.ts";
import { dir, hostOf, text } from "./sample-host.ts";

/** A wire whose incoming bytes are changed on the way. */
function twisted(wire: Wire, twist: (bytes: Uint8Array) => Uint8Array): Wire {
  return {
    listen: (events) =>
      wire.listen({
        ...events,
        data: (bytes) => events.data(twist(bytes)),
        drain: () => events.drain(),
        closed: (cause) => events.closed(cause),
      }),
    write: (bytes) => wire.write(bytes),
    pause: () => wire.pause(),
    resume: () => wire.resume(),
    close: () => wire.close(),
  };
}

async function connect(twist: (bytes: Uint8Array) => Uint8Array): Promise<{ client: Client; arm(): void }> {
  const [here, there] = memoryWires();
  serve(there, hostOf(dir({ hello: text("hello") })));
  let armed = false;
  const client = await createClient(twisted(here, (bytes) => (armed ? twist(bytes) : bytes)));
  return {
    client,
    arm() {
      armed = true;
    },
  };
}

for (const [why, answer] of [
  ["an answer to what nobody asked", { type: "Rclunk", tag: 999 }],
  ["an answer of another type", { type: "Rclunk", tag: 0 }],
  ["a request", { type: "Tclunk", tag: 0, fid: 0 }],
  ["an answer to NOTAG", { type: "Rclunk", tag: 0xffff }],
] as [string, Message][])
  test(`${why} ends the client's connection, and its calls reject`, async () => {
    const { client, arm } = await connect(() => encode(answer));
    arm();
    await assert.rejects(client.request("Tstatfs", { fid: 0 }), { code: "ninep.protocol" });
    assert.equal((await client.closed)?.code, "ninep.protocol");
  });

test("an answer whose fields are malformed ends the call that it answers", async () => {
  const { client, arm } = await connect(() => Buffer.from("\x0c\0\0\0\x09\0\0?????", "latin1"));
  arm();
  await assert.rejects(client.request("Tstatfs", { fid: 0 }), { code: "ninep.malformed" });
  assert.equal((await client.closed)?.code, "ninep.malformed");
});

test("whatever a server answers, calls end and nothing is thrown elsewhere", async () => {
  for (let seed = 1; seed <= 300; seed++) {
    const draw = draws(seed);
    const { client, arm } = await connect((bytes) => {
      const changed = Buffer.from(bytes);
      for (let left = draw(4); left >= 0; left--) changed[draw(changed.length)] = draw(256);
      return draw(9) === 0 ? attack(seed) : changed;
    });
    arm();
    const calls = Array.from({ length: 5 }, () =>
      client.request("Tgetattr", { fid: 0, requestMask: 0x3fff }),
    );
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    await client.close();
    for (const call of await Promise.allSettled(calls))
      if (call.status === "rejected") assert.ok(call.reason instanceof Fault, String(call.reason));
  }
});
