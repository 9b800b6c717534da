import assert from "node:assert/strict";
import { test } from "node:test";
import { type Rig, rig } from "./rig.test.ts";

async function running(hive: Rig, jobs: readonly string[]): Promise<number> {
  const states = await Promise.all(jobs.map((job) => hive.status(job)));
  return states.filter(({ state }) => state === "running").length;
}

async function submitted(hive: Rig, count: number): Promise<string[]> {
  const jobs: string[] = [];
  for (let at = 0; at < count; at += 1) jobs.push(await hive.submit());
  return jobs;
}

test("a worker that takes jobs ahead gets them while jobs are short, up to its room", async () => {
  await using hive = await rig();
  hive.join("w-a", { ahead: 2 });
  const jobs = await submitted(hive, 8);
  assert.equal(await running(hive, jobs), 1);
  await hive.done("w-a", jobs[0] ?? "", "out");
  assert.equal(await running(hive, jobs), 2);
  await hive.done("w-a", jobs[1] ?? "", "out");
  await hive.done("w-a", jobs[2] ?? "", "out");
  assert.equal(await running(hive, jobs), 3);
});

test("a job that took long brings no other ahead", async () => {
  await using hive = await rig();
  hive.join("w-a", { ahead: 2 });
  const jobs = await submitted(hive, 4);
  await hive.clock.advanceAsync(250);
  await hive.done("w-a", jobs[0] ?? "", "out");
  assert.equal(await running(hive, jobs), 1);
});

test("a worker that said nothing of it gets as many jobs as it has slots", async () => {
  await using hive = await rig();
  hive.join("w-a");
  const jobs = await submitted(hive, 4);
  await hive.done("w-a", jobs[0] ?? "", "out");
  assert.equal(await running(hive, jobs), 1);
});

test("a job that only waited at a worker goes to another and was no try", async () => {
  await using hive = await rig();
  hive.join("w-a", { ahead: 1 });
  const jobs = await submitted(hive, 3);
  await hive.done("w-a", jobs[0] ?? "", "out");
  const late = jobs[2] ?? "";
  hive.join("w-b");
  for (let at = 0; at < 4; at += 1) {
    const { worker } = await hive.status(late);
    const holder = String(worker);
    const session = hive.join(holder);
    await session.append(`/worker/${holder}/results`, { op: "return", job: late, started: false } as never);
    await hive.clock.advanceAsync(1);
    assert.equal((await hive.status(late)).state, "running");
  }
  assert.equal((await hive.status(jobs[1] ?? "")).worker, "w-a");
});

test("a worker above its slots is not taken for idle when one of its jobs ends", async () => {
  await using hive = await rig();
  hive.join("w-a", { ahead: 2 });
  const jobs = await submitted(hive, 5);
  await hive.done("w-a", jobs[0] ?? "", "out");
  await hive.done("w-a", jobs[1] ?? "", "out");
  assert.equal(await running(hive, jobs), 3);
  await hive.clock.advanceAsync(1000);
  await hive.done("w-a", jobs[2] ?? "", "out");
  const later = await hive.submit();
  await hive.clock.advanceAsync(1);
  assert.equal((await hive.status(later)).state, "queued");
});
