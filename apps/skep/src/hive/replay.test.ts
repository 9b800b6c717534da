import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestHive } from "../testing/hive.ts";

test("two controls judged again are two entries with the original's hash; a bad cursor is refused", async () => {
  await using hive = await startTestHive(undefined, { SKEP_AUDIT_REPLAY_WINDOW: "8" });
  const status = async () => JSON.parse((await hive.skep(["cat", "/replay/status"])).out);
  const echo = async (line: object, path: string) => {
    const { code, out } = await hive.skep(["echo", JSON.stringify(line), path, "--json"]);
    return { code, id: code === 0 ? (JSON.parse(out).id as number) : 0 };
  };
  assert.equal((await status()).state, "idle");
  const { id } = await echo({ spawn: "heartbeat", ticks: 3 }, "/queen/ctl");
  await echo({ spawn: "heartbeat", ticks: 4 }, "/queen/ctl");
  assert.equal((await echo({ from: id }, "/replay/ctl")).code, 0);
  let told = await status();
  for (let left = 2000; left > 0 && told.state === "running"; left -= 1) told = await status();
  assert.deepEqual(told, {
    state: "ok",
    from: id,
    to: id + 2,
    entries: 2,
    match: true,
    sequence_fnv1a: "6df28b82c98d2471",
  });
  assert.equal((await echo({ from: 9999 }, "/replay/ctl")).code, 2);
  for (let at = 0; at < 9; at += 1) await echo({ spawn: "heartbeat", ticks: 3 }, "/queen/ctl");
  assert.equal((await echo({ from: id }, "/replay/ctl")).code, 2);
  const again = JSON.parse((await hive.skep(["audit", "replay", "--json"])).out);
  assert.equal(again.match, true, JSON.stringify(again.difference));
});
