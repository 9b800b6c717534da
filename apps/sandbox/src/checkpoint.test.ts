import assert from "node:assert/strict";
import { after, test } from "node:test";
import { counter } from "./counter.ts";
import { Kept } from "./kept.ts";
import { createSandboxPool } from "./pool.ts";
import { jobOf } from "./testing.ts";

const pool = await createSandboxPool({ concurrency: 2, warm: 1, checkpointBytes: 4096 });
after(() => pool[Symbol.asyncDispose]());

const place = { directory: "/checkpoint", name: "state", limit: 64 };

/** Counts to `to` and keeps where it is; gives what came out and every count that was shown. */
async function count(to: number, from?: number, more: { limit?: number } = {}) {
  const shown: number[] = [];
  const content = from === undefined ? {} : { content: Buffer.from(Uint32Array.of(from).buffer) };
  const onCommit = (bytes: Uint8Array) => shown.push(Buffer.from(bytes).readUInt32LE());
  const job = jobOf(counter(to, 1_000), {
    checkpoint: { ...place, ...more, ...content, onCommit },
    grade: "shared",
    limits: { fuel: 1n << 50n },
  });
  const result = await pool.run(job);
  return { result, shown, output: job.output.stdout };
}

test("a job's checkpoint comes out while it runs, and the next run goes on from it", async () => {
  const first = await count(2_000);
  assert.deepEqual([first.result.message, first.output], ["Exit 0", "\0\0\0\0"]);
  assert.ok(first.shown.length > 0);
  assert.deepEqual(
    first.shown,
    first.shown.toSorted((one, other) => one - other),
  );
  const next = await count(2_000, 1_990);
  assert.equal(Buffer.from(next.output, "latin1").readUInt32LE(), 1_990);
  assert.ok(next.result.fuelUsed * 20n < first.result.fuelUsed);
});

test("what a checkpoint held is not there for the next job of the same process", async () => {
  await count(20, 10);
  const { output } = await count(20);
  assert.equal(output, "\0\0\0\0");
});

test("a job whose checkpoint may be larger than the pool allows is refused, and one without has no file", async () => {
  const { result } = await count(1, undefined, { limit: 4097 });
  assert.deepEqual([result.reason, result.code], ["refused", "sandbox.checkpoint"]);
  const bare = await pool.run(jobOf(counter(1, 1)));
  assert.equal(bare.exitCode, 8);
});

test("however often a module keeps something, little of it goes out, the newest when the time has come", () => {
  let now = 0;
  const sent: number[] = [];
  const kept = new Kept(
    () => now,
    (bytes) => sent.push(bytes.length),
  );
  for (let size = 1; size <= 1000; size += 1) kept.take(new Uint8Array(size));
  assert.deepEqual(sent, [1]);
  now = 99;
  kept.look();
  now = 100;
  kept.look();
  kept.look();
  assert.deepEqual(sent, [1, 1000]);
});
