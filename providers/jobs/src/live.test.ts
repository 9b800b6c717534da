import assert from "node:assert/strict";
import { test } from "node:test";
import type { Handle } from "@skep/kernel";
import { type Rig, rig } from "./rig.test.ts";

async function waiting({ owner }: Rig, job: string, file = "result.follow"): Promise<Handle> {
  return await owner.open(await owner.find(`/jobs/${job}/${file}`), { read: true, write: false });
}

async function lineOf(handle: Handle): Promise<Record<string, unknown>> {
  return JSON.parse(Buffer.from(await handle.read(0, 65_536)).toString());
}

test("who waits for the result of a job gets status, output and receipt in one line", async () => {
  await using hive = await rig();
  hive.join("w-a");
  const job = await hive.submit();
  const handle = await waiting(hive, job);
  const coming = lineOf(handle);
  await hive.done("w-a", job, "out\n", 3);
  const { state, exit, worker, stdout, receipt } = await coming;
  assert.deepEqual([state, exit, worker], ["failed", 3, "w-a"]);
  assert.deepEqual(stdout, { bytes: 4, inline: Buffer.from("out\n").toString("base64") });
  const stored = JSON.parse(Buffer.from(await hive.owner.read(`/jobs/${job}/receipt`)).toString());
  assert.deepEqual(receipt, stored);
});

test("the result of a job that has ended is there at once, and of one that has not there is nothing", async () => {
  await using hive = await rig();
  hive.join("w-a");
  const [ended, queued] = [await hive.submit(), await hive.submit()];
  await hive.done("w-a", ended, "x");
  assert.equal((await lineOf(await waiting(hive, ended))).job, ended);
  assert.equal((await lineOf(await waiting(hive, ended, "result"))).job, ended);
  assert.equal((await hive.owner.read(`/jobs/${queued}/result`)).length, 0);
});

test("a job that is cancelled, or that its workers lose, tells whoever waits", async () => {
  await using hive = await rig();
  hive.join("w-a");
  const [lost, canceled] = [await hive.submit(), await hive.submit()];
  const coming = [lost, canceled].map(async (job) => lineOf(await waiting(hive, job)));
  const output = (await waiting(hive, lost, "stdout.follow")).read(0, 100);
  await hive.owner.append("/jobs/ctl", { op: "cancel", job: canceled });
  for (let at = 0; at < 3; at += 1) {
    hive.join("w-a", { incarnation: `incarnation-${at}` });
    await hive.clock.advanceAsync(20_000);
  }
  const told = await Promise.all(coming);
  assert.deepEqual(
    told.map(({ state, reason }) => [state, reason]),
    [
      ["failed", "lost"],
      ["canceled", "canceled"],
    ],
  );
  assert.equal((await output).length, 0);
});
