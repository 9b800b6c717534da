import assert from "node:assert/strict";
import { test } from "node:test";
import { type Rig, rig } from "./rig.test.ts";

const [first, second] = ["11".repeat(32), "22".repeat(32)];
const module = "ab".repeat(32);
const run = (more: object = {}) => ({
  op: "submit",
  run: { kind: "wasm", module, checkpoint: { file: "state/count", every_ms: 10_000 }, ...more },
});

async function say(session: ReturnType<Rig["join"]>, path: string, line: object) {
  const answer = await session.append(path, line as never);
  return answer.verdict === "ok" ? "ok" : (answer as { code?: string }).code;
}

const keep = (hive: Rig, worker: string, job: string, digest: string, bytes = 10) =>
  say(hive.join(worker), `/worker/${worker}/results`, { op: "checkpoint", job, digest, bytes });

/** The leases that the inbox of a worker tells of. */
async function leasesOf(hive: Rig, worker: string): Promise<Record<string, unknown>[]> {
  const state = hive.kernel.slices.bound.find(({ provider }) => provider.name === "jobs")?.slice as {
    jobs: { entries(): Iterable<[string, { leases: { worker: string; from?: unknown }[] }]> };
  };
  return [...state.jobs.entries()].flatMap(([, { leases }]) => leases.filter((one) => one.worker === worker));
}

test("what a job kept goes with it to the next machine, and its receipt must name it", async () => {
  await using hive = await rig();
  const a = hive.join("a");
  const job = await hive.submit(run());
  assert.equal(await keep(hive, "a", job, first), "ok");
  const told = await hive.status(job);
  assert.deepEqual([told.checkpoint, told.checkpoint_bytes], [first, 10]);
  hive.join("b");
  assert.equal(await say(a, "/worker/a/results", { op: "return", job }), "ok");
  await hive.clock.advance(1000);
  const [lease] = await leasesOf(hive, "b");
  assert.deepEqual(lease?.from, { digest: first, bytes: 10 });
  const answer = (await hive.done("b", job, "x")) as { verdict: string; code?: string };
  assert.equal(answer.code, "jobs.receipt");
});

test("a checkpoint is told at most once in its interval, the same one as often as one likes", async () => {
  await using hive = await rig();
  hive.join("a", { beats: true });
  const job = await hive.submit(run());
  assert.equal(await keep(hive, "a", job, first), "ok");
  assert.equal(await keep(hive, "a", job, first), "ok");
  assert.equal(await keep(hive, "a", job, second), "jobs.soon");
  await hive.clock.advance(9500);
  assert.equal(await keep(hive, "a", job, second), "ok");
});

test("a job that goes back takes what it kept last with it, however soon that was", async () => {
  await using hive = await rig();
  const a = hive.join("a");
  const job = await hive.submit(run());
  assert.equal(await keep(hive, "a", job, first), "ok");
  const line = { op: "return", job, reason: "owner", checkpoint: { digest: second, bytes: 10 } };
  assert.equal(await say(a, "/worker/a/results", line), "ok");
  assert.equal((await hive.status(job)).checkpoint, second);
});

const refused: readonly (readonly [name: string, worker: string, bytes: number, code: string])[] = [
  ["whoever does not have the job", "b", 10, "jobs.holder"],
  ["a size that is not that of the blob", "a", 11, "jobs.output"],
];
for (const [name, worker, bytes, code] of refused)
  test(`a checkpoint is refused of ${name}`, async () => {
    await using hive = await rig();
    hive.join("a");
    const job = await hive.submit(run());
    hive.join("b");
    assert.equal(await keep(hive, worker, job, first, bytes), code);
  });

test("a job that declared none keeps none, and one that ended keeps no more", async () => {
  await using hive = await rig();
  hive.join("a", { slots: 2 });
  const plain = await hive.submit();
  assert.equal(await keep(hive, "a", plain, first), "jobs.keeps");
  await hive.done("a", plain, "x");
  const job = await hive.submit(run());
  await hive.done("a", job, "x");
  assert.equal(await keep(hive, "a", job, first), "jobs.holder");
  const small = await hive.submit(run({ checkpoint: { file: "x", max_bytes: 9 } }));
  assert.equal(await keep(hive, "a", small, first), "jobs.keeps");
});

test("a job that keeps a checkpoint is answered by one machine, and by no volunteer's", async () => {
  await using hive = await rig();
  const three = run({ replicas: 3, quorum: 2 });
  assert.equal(await say(hive.owner, "/jobs/ctl", three), "jobs.checkpoint");
  assert.equal(await say(hive.owner, "/jobs/ctl", run({ checkpoint: { file: "../x" } })), "gate.schema");
  hive.join("v", { machine: { class: "volunteer" } });
  const job = await hive.submit(run({ where: { data: "public" } }));
  assert.equal((await hive.status(job)).wait, "no machine that may keep a checkpoint (no volunteer's)");
});
