import assert from "node:assert/strict";
import { test } from "node:test";
import { type Rig, rig } from "./rig.test.ts";

const run = (more: object = {}) => ({
  op: "submit",
  run: { kind: "wasm", module: "ab".repeat(32), class: "training", ...more },
});

/** What a worker does whose owner refuses such work. */
async function declines(worker: ReturnType<Rig["join"]>, job: string): Promise<void> {
  const line = { op: "return", job, started: false, reason: "owner" };
  const answer = await worker.append("/worker/a/results", line as never);
  assert.equal(answer.verdict, "ok");
}

const rules: readonly (readonly [rules: Record<string, string>, says: string])[] = [
  [{ "refuse.classes": '["games","training"]' }, "the owner of a refuses work of class training"],
  [{ "refuse.kinds": '["wasm"]' }, "the owner of a refuses wasm jobs"],
  [
    { "refuse.classes": '["games"]' },
    "the owners of the only machine that may have it gave it back; it is offered again soon",
  ],
];
for (const [told, says] of rules)
  test(`a job that went back under ${JSON.stringify(told)} waits and says: ${says}`, async () => {
    await using hive = await rig();
    const a = hive.join("a", { machine: { rules: told } });
    const job = await hive.submit(run());
    await declines(a, job);
    await hive.clock.advance(1000);
    const { state, wait } = await hive.status(job);
    assert.deepEqual([state, wait], ["queued", says]);
  });

test("a refusal that another machine does not share keeps no job waiting", async () => {
  await using hive = await rig();
  const a = hive.join("a", { machine: { rules: { "refuse.classes": '["training"]' } } });
  const job = await hive.submit(run());
  await declines(a, job);
  hive.join("b");
  await hive.clock.advance(1000);
  const { state, worker, wait } = await hive.status(job);
  assert.deepEqual([state, worker, wait], ["running", "b", undefined]);
});

async function putAway(hive: Rig, worker: string): Promise<void> {
  const line = { op: "quarantine", reason: "bad memory" };
  const answer = await hive.owner.append(`/worker/${worker}/standing`, line as never);
  assert.equal(answer.verdict, "ok", JSON.stringify(answer));
}

test("a job for which all machines are in quarantine says so, and where the reason stands", async () => {
  await using hive = await rig();
  hive.join("a", { machine: { class: "borrowed" } });
  await putAway(hive, "a");
  const job = await hive.submit(run());
  await hive.clock.advance(1000);
  assert.equal(
    (await hive.status(job)).wait,
    "1 machine that may have it is in quarantine; /worker/<id>/trust tells why",
  );
  hive.join("b", { machine: { class: "borrowed", owner: "ben" } });
  await putAway(hive, "b");
  const other = await hive.submit(run({ class: "other" }));
  assert.equal(
    (await hive.status(other)).wait,
    "2 machines that may have it are in quarantine; /worker/<id>/trust tells why",
  );
});
