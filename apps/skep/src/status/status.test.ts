import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestHive } from "../testing/hive.ts";

test("the status of a hive that stopped is that of its last record, and OFFLINE", async () => {
  await using hive = await startTestHive();
  await hive.skep(["echo", '{"spawn":"heartbeat","ticks":3}', "/queen/ctl"]);
  await hive.skep(["echo", '{"op":"grant","resource":"r","holder":"h","ttl_s":600}', "/queen/lease/ctl"]);
  const ask = async () => JSON.parse((await hive.skep(["status", "--json"])).out);
  const live = await ask();
  assert.deepEqual(
    [live.source, live.state, live.workers, live.leases, live.cut_reason],
    ["live", "ONLINE", 1, 1, "none"],
  );
  await hive.stop();
  const { snapshot, last_state, ...offline } = await ask();
  const { hive: id, name, workers, jobs, leases, cut_reason, epoch } = live;
  assert.deepEqual(
    { ...offline, records: 0, reason: "", since_ms: 0, last_seen_ms: 0 },
    {
      ...{ source: "offline", hive: id, name, state: "OFFLINE", reason: "", since_ms: 0, epoch },
      ...{ cut_reason, workers, jobs, leases, records: 0, last_seen_ms: 0 },
    },
  );
  assert.ok(offline.records >= live.records && typeof last_state === "string" && snapshot >= 0);
  assert.match((await hive.skep(["status"])).out, /^state +OFFLINE$/m);
});
