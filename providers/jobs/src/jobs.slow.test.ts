import assert from "node:assert/strict";
import { test } from "node:test";
import { rig } from "./rig.test.ts";

test("of two results for one lease in one group exactly one is accepted, a thousand times", async () => {
  await using hive = await rig();
  hive.join("w-a", { slots: 1000 });
  const jobs = await Promise.all(Array.from({ length: 1000 }, () => hive.submit()));
  const verdicts = await Promise.all(
    jobs.map(async (job) => {
      const both = await Promise.all([hive.done("w-a", job, "a"), hive.done("w-a", job, "b")]);
      return both
        .map((answer) => (answer as { verdict: string }).verdict)
        .sort()
        .join();
    }),
  );
  assert.deepEqual([...new Set(verdicts)], ["ok,refused"]);
});

test("of two commands with one key in one group exactly one runs, a thousand times", async () => {
  await using hive = await rig();
  const run = { kind: "task", name: "count" };
  for (let at = 0; at < 1000; at += 1) {
    const [first, second] = await Promise.all([
      hive.owner.append("/jobs/ctl", { op: "submit", run, $key: `k${at}` } as never),
      hive.owner.append("/jobs/ctl", {
        op: "submit",
        run: { ...run, name: "other" },
        $key: `k${at}`,
      } as never),
    ]);
    assert.deepEqual([first.verdict, second.verdict, second.code], ["ok", "refused", "gate.conflict"]);
  }
});

test("ended jobs leave state beyond the newest thousand", async () => {
  await using hive = await rig();
  hive.join("w-a", { slots: 4 });
  for (let at = 0; at < 1010; at += 1) await hive.done("w-a", await hive.submit(), "");
  const jobs = hive.kernel.slices.bound.find(({ provider }) => provider.name === "jobs")?.slice as {
    jobs: { size: number };
    ended: { size: number };
  };
  assert.deepEqual([jobs.jobs.size, jobs.ended.size], [1000, 1000]);
});
