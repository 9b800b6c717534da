import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { Fault } from "@skep/fault";
import { fullAuthority } from "@skep/kernel";
import { type Client, createClient, wireFromSocket } from "@skep/ninep";
import { recordingFiles, simulatedClock, toyHive } from "@skep/testing";
import { createNinepEdge } from "./mod.ts";

test("who comes when all connections are taken is told that it is busy, and comes in when there is room again", async (t) => {
  const clock = simulatedClock();
  const kernel = await toyHive({ files: recordingFiles(), clock });
  const door = { attach: async () => kernel.attach(fullAuthority("owner"), "9p") };
  const edge = createNinepEdge(door, { uid: 0, clock, connections: 2 });
  const { port } = await edge.listenTcp({ host: "127.0.0.1", port: 0 });
  t.after(async () => {
    await edge.close();
    await kernel.close();
  });
  const dial = (): Promise<Client> =>
    createClient(wireFromSocket(connect({ port, host: "127.0.0.1" })), { aname: "ticket" });
  const [first] = [await dial(), await dial()];
  await assert.rejects(dial(), (thrown) => thrown instanceof Fault && thrown.row.errnoName === "EAGAIN");
  assert.equal(edge.connections, 2);
  await first?.close();
  while (edge.connections > 1) await new Promise((resolve) => setImmediate(resolve));
  await (await dial()).close();
});

test("who waits for its turn to be verified is not late, and who asks for nothing is", async (t) => {
  const clock = simulatedClock();
  const kernel = await toyHive({ files: recordingFiles(), clock });
  const asked = Promise.withResolvers<void>();
  const verified = Promise.withResolvers<void>();
  const attach = async () => {
    asked.resolve();
    await verified.promise;
    return kernel.attach(fullAuthority("owner"), "9p");
  };
  const edge = createNinepEdge({ attach }, { uid: 0, clock, attachWithin: 10_000 });
  const { port } = await edge.listenTcp({ host: "127.0.0.1", port: 0 });
  t.after(async () => {
    await edge.close();
    await kernel.close();
  });
  const silent = connect({ port, host: "127.0.0.1" });
  const ended = new Promise((resolve) => silent.once("close", resolve));
  silent.resume();
  const client = createClient(wireFromSocket(connect({ port, host: "127.0.0.1" })), { aname: "ticket" });
  await asked.promise;
  while (edge.connections < 2) await new Promise((resolve) => setImmediate(resolve));
  clock.advance(10_001);
  await ended;
  verified.resolve();
  await (await client).close();
});
