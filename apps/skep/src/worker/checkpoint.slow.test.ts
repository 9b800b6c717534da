import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Client } from "@skep/ninep";
import { connect, homeTarget } from "../client/connect.ts";
import { LocalWorkers } from "../hive/workers.ts";
import { startTestHive, type TestHive } from "../testing/hive.ts";

const steps = fileURLToPath(new URL("../../../../examples/modules/steps.wasm", import.meta.url));

let hive: TestHive;
let workers: LocalWorkers;
let client: Client;

before(async () => {
  hive = await startTestHive();
  workers = new LocalWorkers(hive.hive, () => undefined);
  await workers.start(2);
  client = await connect(homeTarget(hive.home));
});
after(async () => {
  await client.close();
  await workers[Symbol.asyncDispose]();
  await hive[Symbol.asyncDispose]();
});

type Status = Record<string, unknown>;

async function until(job: string, wanted: (told: Status) => boolean): Promise<Status> {
  for (;;) {
    const told = JSON.parse(String(await client.readAll(`/jobs/${job}/status.json`))) as Status;
    if (wanted(told)) return told;
    assert.ok(told.state === "queued" || told.state === "running", JSON.stringify(told));
  }
}

function pidOf(worker: unknown): number {
  const place = join("workers", String(workers.ids.indexOf(String(worker))));
  const children = readdirSync("/proc/self/task").flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, "utf8").trim().split(" "),
  );
  const found = children.find(
    (pid) =>
      pid !== "" &&
      readFileSync(`/proc/${pid}/cmdline`, "utf8")
        .split("\0")
        .some((word) => word.endsWith(place)),
  );
  assert.ok(found, `no process of ${String(worker)}`);
  return Number(found);
}

test("a job whose worker is killed goes on from what it kept, and its receipt names that", async () => {
  const goal = "60000000";
  const argv = [
    "run",
    "--detach",
    "--time",
    "2m",
    "--fuel",
    "90000000000",
    "--checkpoint",
    "/checkpoint/state",
    "--every",
    "5s",
  ];
  const job = (await hive.skep([...argv, steps, goal])).out.trim();
  const before = await until(job, ({ checkpoint }) => checkpoint !== undefined);
  const held = Buffer.from(await client.readAll(`/cas/${String(before.checkpoint)}`));
  assert.equal(createHash("sha256").update(held).digest("hex"), before.checkpoint);
  process.kill(pidOf(before.worker), "SIGKILL");
  const again = await until(job, ({ tries, state }) => tries === 2 && state === "running");
  const { tries } = again;
  assert.equal(tries, 2);
  const told = await until(job, ({ state }) => state === "done");
  const out = String(await client.readAll(`/jobs/${job}/stdout`));
  const began = Number(/^began at (\d+)$/m.exec(out)?.[1]);
  assert.match(out, new RegExp(`^ended at ${goal}$`, "m"));
  assert.equal(BigInt(began), held.readBigUInt64LE());
  assert.ok(began > 0);
  assert.equal(told.verified, "yes");
  const receipt = JSON.parse(String(await client.readAll(`/jobs/${job}/receipt`)));
  assert.equal(receipt.result.metrics.extra.checkpoint, `sha256:${String(before.checkpoint)}`);
  console.log(`went on from ${began} of ${goal}`);
});

test("a job that declares no checkpoint has no folder, so that its module ends with the code of that", async () => {
  const ran = await hive.skep(["run", "--quiet", steps, "2000"]);
  assert.equal(ran.code, 1);
});

test("a checkpoint with replicas is refused with a reason and a cure", async () => {
  const ran = await hive.skep(["run", "--replicas", "3", "--checkpoint", "state", steps]);
  assert.equal(ran.code, 125);
  assert.match(ran.err, /Cannot keep a checkpoint of such a job: "3 replicas"/);
});
