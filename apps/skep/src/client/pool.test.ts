import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault, type FaultKind } from "@skep/fault";
import { SessionPool } from "./pool.ts";

interface Fake {
  readonly id: number;
  closed: boolean;
}

function rig(times = 3) {
  const opened: Fake[] = [];
  const waits: number[] = [];
  const pool = new SessionPool<Fake>({
    sessions: { control: 2, telemetry: 24 },
    retry: { times, wait_ms: 200, most_ms: 500 },
    open: async () => {
      const session = { id: opened.length, closed: false };
      opened.push(session);
      return session;
    },
    close: async (session) => {
      session.closed = true;
    },
    wait: async (ms) => void waits.push(ms),
  });
  return { pool, opened, waits };
}

const refusal = (kind: FaultKind): Fault => new Fault(kind, `test.${kind}`, `Cannot: ${kind}`);

test("no more sessions are open than there may be, and whoever waits is served in order", async () => {
  const { pool, opened } = rig();
  const order: number[] = [];
  let most = 0;
  let now = 0;
  const act = (at: number) => async () => {
    now += 1;
    most = Math.max(most, now);
    order.push(at);
    await new Promise((turn) => setImmediate(turn));
    now -= 1;
    return at;
  };
  const done = await Promise.all(Array.from({ length: 20 }, (_, at) => pool.run("control", act(at))));
  assert.deepEqual([opened.length, most, pool.open], [2, 2, 2]);
  assert.deepEqual(done, order);
  await Promise.all(Array.from({ length: 100 }, (_, at) => pool.run("telemetry", act(at))));
  assert.deepEqual([opened.length, most], [26, 24]);
  await pool[Symbol.asyncDispose]();
  assert.ok(opened.every(({ closed }) => closed));
});

test("what breaks a session is done again on another one, after waits that double", async () => {
  const { pool, opened, waits } = rig();
  const seen: number[] = [];
  const told = await pool.run("control", async ({ id }) => {
    seen.push(id);
    if (seen.length < 4) throw refusal("cut");
    return "done";
  });
  assert.equal(told, "done");
  assert.deepEqual(seen, [0, 1, 2, 3]);
  assert.deepEqual(waits, [200, 400, 500]);
  assert.deepEqual(
    opened.map(({ closed }) => closed),
    [true, true, true, false],
  );
  assert.deepEqual([pool.open, pool.retried], [1, 3]);
});

test("a busy hive is asked again on the same session, a refusal is not asked twice", async () => {
  const { pool, opened } = rig();
  let asked = 0;
  await pool.run("control", async () => {
    asked += 1;
    if (asked === 1) throw refusal("busy");
  });
  assert.deepEqual([asked, opened.length], [2, 1]);
  await assert.rejects(
    pool.run("control", async () => {
      asked += 1;
      throw refusal("denied");
    }),
    { code: "test.denied" },
  );
  assert.deepEqual([asked, opened.length, opened[0]?.closed], [3, 1, false]);
});

test("who never comes through gets the last fault, and the place of a dead session is given on", async () => {
  const { pool } = rig(1);
  const dead = () => pool.run("control", () => Promise.reject(refusal("timeout")));
  const ends = await Promise.allSettled([dead(), dead(), dead(), pool.run("control", async () => "alive")]);
  assert.deepEqual(
    ends.map(({ status }) => status),
    ["rejected", "rejected", "rejected", "fulfilled"],
  );
  assert.ok(pool.open <= 2);
  assert.equal(await pool.run("control", async () => "again"), "again");
});
