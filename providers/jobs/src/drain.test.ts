import assert from "node:assert/strict";
import { test } from "node:test";
import { type Rig, rig } from "./rig.test.ts";

const lifecycle = (hive: Rig, state: string): unknown =>
  hive.kernel.system("kernel", "/proc/lifecycle", { op: "test" }, () => ({
    events: [{ type: "lifecycle@1", data: { state, since: 0, reason: "test", clock: "trusted" } }],
  }));

for (const state of ["DRAINING", "QUIESCED", "BOOTING"])
  test(`nothing that waits is leased in ${state}, not after a result either, and all of it after that`, async () => {
    await using hive = await rig();
    hive.join("a", { slots: 1, ahead: 2 });
    const jobs = [await hive.submit(), await hive.submit(), await hive.submit()];
    const [first = "", ...rest] = jobs;
    const states = () => Promise.all(rest.map(async (job) => (await hive.status(job)).state));
    assert.equal((await hive.status(first)).state, "running");
    lifecycle(hive, state);
    await hive.done("a", first, "1");
    hive.join("b", { slots: 4 });
    await hive.clock.advance(5000);
    assert.deepEqual(await states(), ["queued", "queued"]);
    assert.match(String((await hive.status(rest[0] ?? "")).wait), /drains or stands still/);
    lifecycle(hive, "ONLINE");
    for (let turn = 0; turn < 100 && (await states()).includes("queued"); turn += 1)
      await hive.clock.advance(20);
    assert.deepEqual(await states(), ["running", "running"]);
  });
