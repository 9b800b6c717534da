import assert from "node:assert/strict";
import { test } from "node:test";
import { simulatedClock } from "@skep/testing";
import { Broker } from "./broker.ts";

function rig(options: { slots?: number; waiting?: number; perCaller?: number } = {}) {
  const turns: (() => void)[] = [];
  const broker = new Broker({ clock: simulatedClock(), defer: (act) => void turns.push(act), ...options });
  return {
    broker,
    turn: async () => {
      for (const act of turns.splice(0)) act();
      await new Promise((done) => setImmediate(done));
    },
  };
}

test("commands go before reads, reads before bulk, and callers take turns", async () => {
  const { broker, turn } = rig();
  const order: string[] = [];
  const note = (name: string) => () => void order.push(name);
  for (const at of [1, 2, 3]) void broker.run("bulk", "ann", note(`bulk ann ${at}`));
  for (const at of [1, 2]) void broker.run("read", "ann", note(`read ann ${at}`));
  void broker.run("read", "ben", note("read ben 1"));
  void broker.run("control", "ben", note("control ben"));
  await turn();
  assert.deepEqual(order, [
    "control ben",
    "read ann 1",
    "read ben 1",
    "read ann 2",
    "bulk ann 1",
    "bulk ann 2",
    "bulk ann 3",
  ]);
});

test("reads that hang leave room for commands", async () => {
  const { broker, turn } = rig({ slots: 6 });
  const held = Promise.withResolvers<void>();
  for (let at = 0; at < 10; at += 1) void broker.run("read", "ann", () => held.promise);
  await turn();
  assert.deepEqual([broker.running.read, broker.waiting], [2, 8]);
  const done = broker.run("control", "ben", () => "done");
  await turn();
  assert.equal(await done, "done");
  held.resolve();
  for (let at = 0; at < 6; at += 1) await turn();
  assert.deepEqual([broker.running.read, broker.waiting], [0, 0]);
});

test("too long a line refuses at once, first the caller's own", async () => {
  const { broker } = rig({ waiting: 4, perCaller: 2 });
  const wait = (caller: string) => broker.run("read", caller, () => undefined);
  void wait("ann");
  void wait("ann");
  await assert.rejects(wait("ann"), { code: "http.crowded" });
  void wait("ben");
  void wait("ben");
  await assert.rejects(wait("eve"), { code: "http.busy" });
  assert.equal(broker.refused, 2);
});
