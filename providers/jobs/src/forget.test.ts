import assert from "node:assert/strict";
import { test } from "node:test";
import { rig } from "./rig.test.ts";

type Rig = Awaited<ReturnType<typeof rig>>;

async function forgottenAt({ kernel }: Rig, from: number): Promise<number[]> {
  const counts: number[] = [];
  for await (const { events } of kernel.journal.records(from, kernel.journal.next))
    for (const { t, d } of events)
      if (t === "jobs:forgotten@1") counts.push((d as { jobs: readonly string[] }).jobs.length);
  return counts;
}

async function cancelMany({ kernel, owner }: Rig, count: number): Promise<void> {
  const ctl = await owner.open(await owner.find("/jobs/ctl"), { read: false, write: true });
  const submit = `${JSON.stringify({ op: "submit", run: { kind: "wasm", module: "ab".repeat(32) } })}\n`;
  for (let at = 0; at < count; at += 100) {
    const first = kernel.journal.next;
    await ctl.write(0, Buffer.from(submit.repeat(100)));
    const ids = Array.from({ length: kernel.journal.next - first }, (_, n) => first + n);
    await ctl.write(0, Buffer.from(ids.map((job) => `{"op":"cancel","job":${job}}\n`).join("")));
  }
}

test("thousands of jobs cancelled while no worker is there leave state, and hinder no job that ends later", async () => {
  await using hive = await rig();
  await cancelMany(hive, 2500);
  await hive.clock.advanceAsync(1000);
  await hive.kernel.settled();
  const ended = [...hive.kernel.slices.state.rows()].filter(
    ([slice, member]) => slice === "jobs" && member === "ended",
  );
  assert.ok(ended.length <= 1256, `${ended.length} ended jobs in state`);
  const from = hive.kernel.journal.next;
  hive.join("w-a");
  const job = await hive.submit();
  await hive.done("w-a", job, "out\n");
  assert.equal((await hive.status(job)).state, "done");
  for (const count of await forgottenAt(hive, 0)) assert.ok(count <= 256, `${count} in one record`);
  assert.ok((await forgottenAt(hive, from)).length > 0);
});
