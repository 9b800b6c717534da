import assert from "node:assert/strict";
import { test } from "node:test";
import { encode } from "./mod.ts";
import { rawClient } from "./raw-client.ts";
import { control, dir, hostOf, text } from "./sample-host.ts";
import { Turns } from "./turns.ts";

const settle = () => new Promise((resolve) => setImmediate(resolve));

/** A loop whose turns are taken by hand, over connections of which each takes half a millisecond to put away. */
function handEdge() {
  let now = 0;
  let acts: (() => void)[] = [];
  let closed = 0;
  const lines = control();
  const loop = { defer: (act: () => void) => void acts.push(act), monotonic: () => now };
  const close = (): void => {
    closed += 1;
    now += 0.5;
  };
  const host = hostOf(dir({ hello: text("hello"), ctl: lines }), { close });
  const options = { ...loop, turns: new Turns(loop) };
  return {
    lines,
    connect: () => rawClient(host, options),
    turn: async (): Promise<void> => {
      const due = acts;
      acts = [];
      for (const act of due) act();
      await settle();
    },
    get closed(): number {
      return closed;
    },
    get sleeps(): boolean {
      return acts.length === 0;
    },
  };
}

test("of connections that end at once each turn puts away a few, and who asks meanwhile is answered in the next", async () => {
  const edge = handEdge();
  const leaving = await Promise.all(Array.from({ length: 40 }, () => edge.connect()));
  const { raw } = await edge.connect();
  while (!edge.sleeps) await edge.turn();
  for (const one of leaving) one.raw.wire.close();
  await settle();
  assert.equal(edge.closed, 0);
  const perTurn: number[] = [];
  while (edge.closed < leaving.length) {
    const before = edge.closed;
    const asked = perTurn.length;
    raw.send("Tstatfs", asked, { fid: 0 });
    await edge.turn();
    perTurn.push(edge.closed - before);
    assert.ok(raw.answers.length >= asked, `${asked - raw.answers.length} requests of earlier turns wait`);
  }
  assert.ok(Math.max(...perTurn) <= 2, `${perTurn} were put away`);
  await Promise.all(leaving.map(({ connection }) => connection.closed));
  while (!edge.sleeps) await edge.turn();
});

test("what a client asked for before it went is done before it is put away", async () => {
  const edge = handEdge();
  const { raw, connection } = await edge.connect();
  await raw.open(1, "ctl", 1);
  const frames = Array.from({ length: 300 }, (_, at) =>
    encode({ type: "Twrite", tag: at % 60, fid: 1, offset: 0, data: Buffer.from(`${at}\n`) }),
  );
  raw.wire.write(Buffer.concat(frames));
  await settle();
  assert.equal(edge.lines.lines.length, 256);
  raw.wire.close();
  await settle();
  while (!edge.sleeps) await edge.turn();
  assert.equal(await connection.closed, undefined);
  assert.equal(edge.lines.lines.length, 300);
});

test("one that is closed while it waits to be put away is put away at once, and only then", async () => {
  const edge = handEdge();
  const { raw, connection } = await edge.connect();
  raw.wire.close();
  await settle();
  connection.close();
  assert.equal(edge.closed, 1);
  assert.equal(await connection.closed, undefined);
  while (!edge.sleeps) await edge.turn();
  assert.equal(edge.closed, 1);
});
