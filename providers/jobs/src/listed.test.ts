import assert from "node:assert/strict";
import { test } from "node:test";
import { listEnded, listEndedBriefly } from "./model.ts";
import { rig } from "./rig.test.ts";

test("a mount lists fewer of the jobs that ended than the others do: the newest, and all that live", async () => {
  await using hive = await rig();
  const ids: string[] = [];
  for (let at = 0; at < listEnded + 5; at += 1) {
    const id = await hive.submit();
    if (at > 0) await hive.owner.append("/jobs/ctl", JSON.stringify({ op: "cancel", job: Number(id) }));
    ids.push(String(id));
  }
  const jobs = await hive.owner.find("/jobs");
  const listed = async (brief: boolean): Promise<string[]> =>
    (await hive.owner.list(jobs, { brief })).map(({ name }) => name).filter((name) => /^\d+$/.test(name));
  assert.deepEqual(await listed(false), [ids[0], ...ids.slice(-listEnded)]);
  assert.deepEqual(await listed(true), [ids[0], ...ids.slice(-listEndedBriefly)]);
});
