import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Client } from "@skep/ninep";
import { connect, homeTarget } from "../client/connect.ts";
import { LocalWorkers } from "../hive/workers.ts";
import { makeTestPlace, startTestHive, type TestHive } from "../testing/hive.ts";

const loop = fileURLToPath(new URL("../../../../examples/modules/misbehaving/loop.wasm", import.meta.url));
const place = makeTestPlace();

let hive: TestHive;
let workers: LocalWorkers;

before(async () => {
  hive = await startTestHive(place);
  workers = new LocalWorkers(hive.hive, () => undefined);
  await workers.start(1);
});
after(async () => {
  await workers[Symbol.asyncDispose]();
  await hive[Symbol.asyncDispose]();
});

async function until(client: Client, job: string, wanted: (told: Record<string, unknown>) => boolean) {
  for (;;) {
    const told = JSON.parse(String(await client.readAll(`/jobs/${job}/status.json`)));
    if (wanted(told)) return told;
  }
}

function workerPids(): number[] {
  const children = readdirSync("/proc/self/task").flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, "utf8").trim().split(" "),
  );
  const isOurs = (pid: string) => readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("--worker-home");
  return children.filter((pid) => pid !== "" && isOurs(pid)).map(Number);
}

async function submitted(time: string): Promise<string> {
  const { out } = await hive.skep(["run", "--detach", "--time", time, "--fuel", "90000000000", loop]);
  const job = out.trim();
  await using client = await connect(homeTarget(hive.home));
  await until(client, job, ({ state }) => state === "running");
  return job;
}

test("a job that runs through a restart of the daemon ends once, on its first try, with its receipt", async () => {
  const job = await submitted("2s");
  await hive.stop();
  hive = await startTestHive(place);
  await using client = await connect(homeTarget(hive.home));
  const told = await until(client, job, ({ state }) => state !== "running");
  assert.deepEqual(
    [told.state, told.reason, told.verified, told.tries, told.late_receipts],
    ["failed", "timeout", "yes", 1, 0],
  );
});

test("a result that ends while no daemon is there is spooled, and told to the next one", async () => {
  const job = await submitted("700ms");
  await hive.stop();
  const spool = join(hive.home, "workers", "0", "spool");
  while (!readdirSync(spool).some((name) => name.endsWith(".json")))
    await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(readdirSync(spool), [`${job}-1.json`]);
  hive = await startTestHive(place);
  await using client = await connect(homeTarget(hive.home));
  const told = await until(client, job, ({ state }) => state !== "running");
  assert.deepEqual([told.state, told.reason, told.verified, told.tries], ["failed", "timeout", "yes", 1]);
  while (readdirSync(spool).length > 0) await new Promise((resolve) => setImmediate(resolve));
});

test("a result that a killed worker had spooled is told by its successor, and the job does not run again", async () => {
  const job = await submitted("700ms");
  await hive.stop();
  const spool = join(hive.home, "workers", "0", "spool");
  while (!readdirSync(spool).some((name) => name.endsWith(".json")))
    await new Promise((resolve) => setImmediate(resolve));
  for (const pid of workerPids()) process.kill(pid, "SIGKILL");
  hive = await startTestHive(place);
  await using client = await connect(homeTarget(hive.home));
  const told = await until(client, job, ({ state }) => state !== "running" && state !== "queued");
  assert.deepEqual([told.state, told.verified, told.tries, told.late_receipts], ["failed", "yes", 1, 0]);
});
