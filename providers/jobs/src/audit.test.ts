import assert from "node:assert/strict";
import { test } from "node:test";
import { detection } from "@skep/trust";
import { type Rig, rig } from "./rig.test.ts";

interface Live {
  readonly audits: { get(job: string): { readonly audit: string; readonly found: string } | undefined };
}

const live = (hive: Rig): Live =>
  hive.kernel.slices.bound.find(({ provider }) => provider.name === "jobs")?.slice as Live;

async function pass(hive: Rig, ms: number): Promise<void> {
  await hive.kernel.settled();
  await hive.clock.advanceAsync(ms);
  await hive.kernel.settled();
}

/** Jobs that a borrowed machine does alone until one of them is audited. */
async function untilAudited(
  hive: Rig,
  stdout: string,
): Promise<{ job: string; audit: string; jobs: number }> {
  for (let jobs = 1; jobs <= 400; jobs += 1) {
    const job = await hive.submit({
      op: "submit",
      run: { kind: "wasm", module: "ab".repeat(32), where: { classes: ["borrowed"] } },
    });
    await pass(hive, 5);
    await hive.done("w-lent", job, stdout);
    const found = live(hive).audits.get(job);
    if (found) return { job, audit: found.audit, jobs };
  }
  throw new Error("none of 400 jobs was audited");
}

async function trustOf(hive: Rig, worker: string): Promise<Record<string, unknown>> {
  return JSON.parse(Buffer.from(await hive.owner.read(`/worker/${worker}/trust.json`)).toString());
}

for (const [name, told, found, invalid] of [
  ["the right answer", "good", "agreed", 0],
  ["a wrong answer", "bad", "overturned", 1],
] as const)
  test(`a lent machine that works alone with ${name} is audited by one's own, and the audit finds it ${found}`, async () => {
    await using hive = await rig();
    hive.join("w-lent", { machine: { class: "borrowed", owner: "ben" } });
    hive.join("w-own");
    const { job, audit, jobs } = await untilAudited(hive, told);
    // Within so many jobs all but one of a million would have been audited.
    assert.equal(detection(0.05, jobs) < 0.999999, true);
    await pass(hive, 5);
    assert.deepEqual((await hive.status(audit)).worker, "w-own");
    await hive.done("w-own", audit, "good");
    assert.equal(live(hive).audits.get(job)?.found, found);
    assert.equal((await trustOf(hive, "w-lent")).invalid, invalid);
    const types = (await Array.fromAsync(hive.kernel.journal.records(0))).flatMap(({ events }) =>
      events.map(({ t }) => t),
    );
    assert.equal(types.includes("jobs:metered@1"), true);
    assert.equal(types.includes("jobs:reversed@1"), found === "overturned");
  });

test("one's own machine is not audited, and what it does for its owner is not metered", async () => {
  await using hive = await rig();
  hive.join("w-own");
  for (let jobs = 0; jobs < 50; jobs += 1) {
    const job = await hive.submit();
    await pass(hive, 5);
    await hive.done("w-own", job, "x");
    assert.equal(live(hive).audits.get(job), undefined);
  }
  const types = (await Array.fromAsync(hive.kernel.journal.records(0))).flatMap(({ events }) =>
    events.map(({ t }) => t),
  );
  assert.deepEqual([types.includes("jobs:metered@1"), types.includes("jobs:ended@1")], [false, true]);
});
