import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import { FakeOutstation } from "@skep/testing";
import { until } from "../host/testing.ts";
import { busHive } from "./plant.test.ts";
import { yardRules } from "./yard.test.ts";

test("outputs of an outstation are operated by tickets alone, once, and end as it answered", async () => {
  await using at = await busHive("plant protocol=dnp3");
  await using yard = new FakeOutstation();
  await yard.listen();
  writeFileSync(at.rules, yardRules(yard.port, "2s"), { mode: 0o600 });
  const bridge = at.start();
  await until("the bridge", async () => (await at.read("/bus/plant/info")).includes("breaker") || undefined);
  const info = JSON.parse(await at.read("/bus/plant/info.json")) as Record<string, unknown>;
  assert.deepEqual([info.writable, info.operable], [["lamp", "setpoint"], ["breaker"]]);
  const say = (op: string, id: string, point: string, value: number) =>
    at.say("/bus/plant/ctl", { op, id, point, value });
  assert.equal(await say("write", "w-1", "setpoint", 21.5), "ok");
  const first = await at.ended("w-1");
  assert.deepEqual(
    [first.state, first.before, first.evidence],
    ["succeeded", { value: 10 }, { value: 21.5 }],
  );
  // Nothing tells what a breaker's coil did, and nothing undoes it: another word, of another class.
  assert.equal(await say("write", "w-2", "breaker", 1), "bus.act");
  assert.equal(await say("operate", "w-2", "lamp", 1), "bus.act");
  assert.equal(await say("operate", "w-2", "fixed", 1), "bus.point");
  assert.equal(await say("operate", "o-1", "breaker", 1), "ok");
  const second = await at.ended("o-1");
  assert.deepEqual([second.state, second.before], ["succeeded", null]);
  assert.deepEqual(yard.operated, ["setpoint 0 43", "relay 1 65"]);
  yard.manner = { status: 7 };
  assert.equal(await say("write", "w-3", "lamp", 1), "ok");
  const third = await at.ended("w-3");
  assert.deepEqual([third.state, /local control/.test(String(third.reason))], ["failed", true]);
  yard.manner = "mute";
  assert.equal(await say("operate", "o-2", "breaker", 0), "ok");
  assert.equal((await at.ended("o-2")).state, "unknown");
  yard.manner = "do";
  // Whoever starts anew finds it ended, and does not do it again.
  assert.equal(await bridge.stop(), 0);
  at.start();
  assert.equal(await say("write", "w-4", "lamp", 1), "ok");
  assert.equal((await at.ended("w-4")).state, "succeeded");
  assert.equal(yard.operated.filter((one) => one.startsWith("relay 1")).length, 2);
  assert.equal(yard.asked.filter((code) => code === 5).length, 2);
});
