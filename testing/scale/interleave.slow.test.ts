import assert from "node:assert/strict";
import { createConnection } from "node:net";
import { test } from "node:test";
import { createNinepEdge } from "@skep/edge-ninep";
import { fullAuthority } from "@skep/kernel";
import { type Client, createClient, wireFromSocket } from "@skep/ninep";
import { recordingFiles, simulatedClock, toyHive } from "@skep/testing";

const sessions = 4;
const each = 2500;
const inFlight = 32;

interface Lane {
  readonly client: Client;
  /** Operations in the order in which they were acknowledged. */
  readonly acknowledged: number[];
}

async function hive(t: { after(act: () => Promise<void>): void }) {
  const clock = simulatedClock();
  const kernel = await toyHive({ files: recordingFiles(), clock });
  const door = { attach: async () => kernel.attach(fullAuthority("owner"), "9p") };
  const edge = createNinepEdge(door, { uid: 0, clock, defer: setImmediate });
  const { port } = await edge.listenTcp({ host: "127.0.0.1", port: 0 });
  t.after(async () => {
    await edge.close();
    await kernel.close();
  });
  const dial = (): Promise<Client> =>
    createClient(wireFromSocket(createConnection({ port, host: "127.0.0.1", noDelay: true })), {
      aname: "ticket",
      window: inFlight,
    });
  return { kernel, dial };
}

/** Commands of one session, so many in flight; `told` hears of each acknowledgement as it comes. */
async function operate({ client, acknowledged }: Lane, name: number, told: () => void): Promise<void> {
  await using ctl = await client.open("/comb/ctl", "readWrite");
  const flying = new Set<Promise<unknown>>();
  for (let op = 0; op < each; op += 1) {
    const line = JSON.stringify({ op: "hum", text: `${name}/${op}` });
    const asked = ctl.write(Buffer.from(`${line}\n`)).then((taken) => {
      assert.equal(taken, line.length + 1);
      acknowledged.push(op);
      told();
      flying.delete(asked);
    });
    flying.add(asked);
    if (flying.size >= inFlight) await Promise.race(flying);
  }
  await Promise.all(flying);
}

test("ten thousand operations over four sessions keep their order, none is lost or done twice, and nobody starves", async (t) => {
  const { kernel, dial } = await hive(t);
  const lanes: Lane[] = [];
  for (let at = 0; at < sessions; at += 1) lanes.push({ client: await dial(), acknowledged: [] });
  const before = kernel.journal.next;
  let behind = 0;
  const told = () => {
    const counts = lanes.map(({ acknowledged }) => acknowledged.length);
    behind = Math.max(behind, Math.max(...counts) - Math.min(...counts));
  };
  await Promise.all(lanes.map((lane, name) => operate(lane, name, told)));
  for (const { acknowledged } of lanes)
    assert.deepEqual(
      acknowledged,
      Array.from({ length: each }, (_, op) => op),
    );
  assert.ok(behind < each / 4, `one session was ${behind} operations behind another`);
  const next = new Map<number, number>();
  for await (const { events } of kernel.journal.records(before, kernel.journal.next))
    for (const { t: type, d } of events) {
      if (type !== "toy:hummed@1") continue;
      const [name = -1, op] = (d as unknown as { text: string }).text.split("/").map(Number);
      assert.equal(op, next.get(name) ?? 0);
      next.set(name, (op ?? 0) + 1);
    }
  assert.deepEqual(
    [...next.values()],
    Array.from({ length: sessions }, () => each),
  );
  for (const { client } of lanes) await client.close();
});
