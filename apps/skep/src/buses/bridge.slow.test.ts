import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { until } from "../host/testing.ts";
import { busHive, plantRules } from "./plant.test.ts";

interface Line {
  readonly seq: number;
  readonly point: string;
  readonly value: number;
}

const linesOf = (text: string): Line[] =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Line);

test("what a foreign MODBUS server holds becomes telemetry, and a ticket writes one register of it, once", async () => {
  await using at = await busHive("plant protocol=modbus");
  const bridge = at.start();
  const readings = async () => linesOf(await at.read("/bus/plant/telemetry"));
  const first = await until("the readings", async () => {
    const found = await readings();
    return found.length >= 4 ? found : undefined;
  });
  assert.deepEqual(Object.fromEntries(first.map(({ point, value }) => [point, value])), {
    temperature: 21.5,
    running: 0,
    setpoint: 20,
    fixed: 0,
  });
  at.plant.input.writeFloatBE(22.25, 0);
  await until("the change", async () => (await readings()).find(({ value }) => value === 22.25));
  const info = JSON.parse(await at.read("/bus/plant/info.json")) as Record<string, unknown>;
  assert.deepEqual(info.writable, ["setpoint"]);
  const line = { op: "write", id: "w-1", point: "setpoint", value: 21.5 };
  assert.equal(await at.say("/bus/plant/ctl", line), "ok");
  const { state, before, evidence } = await at.ended("w-1");
  assert.deepEqual([state, before, evidence], ["succeeded", { value: 20 }, { value: 21.5 }]);
  assert.deepEqual(at.plant.written, [[4, 215]]);
  assert.equal(await at.say("/bus/plant/ctl", line), "ok");
  assert.equal(await at.say("/bus/plant/ctl", { ...line, id: "w-2", point: "fixed" }), "bus.point");
  assert.equal(await at.say("/bus/plant/ctl", { ...line, id: "w-3", value: 90 }), "ok");
  const refused = await at.ended("w-3");
  assert.equal(refused.state, "failed");
  assert.match(String(refused.reason), /other bounds/);
  assert.equal(at.plant.written.length, 1);
  const kept = await until("what is kept", async () => {
    const { segments } = JSON.parse(await at.read("/queen/telemetry/plant/latest.json")) as {
      segments: { id: string }[];
    };
    const text = segments[0] && (await at.read(`/queen/telemetry/plant/seg/${segments[0].id}`));
    return text?.includes("22.25") ? text : undefined;
  });
  assert.match(kept, /"source":"bridge:[0-9a-f]{16}"/);
  assert.equal(await bridge.stop(), 0);
});

test("a write whose answer is lost is judged by the register, and rules that changed count at once", async () => {
  await using at = await busHive("plant protocol=modbus");
  const bridge = at.start();
  await until("the bridge", async () => (await at.read("/bus/plant/info")).includes("setpoint") || undefined);
  at.plant.mute = true;
  assert.equal(
    await at.say("/bus/plant/ctl", { op: "write", id: "w-1", point: "setpoint", value: 30 }),
    "ok",
  );
  const { state, evidence } = await at.ended("w-1");
  assert.deepEqual([state, evidence], ["succeeded", { value: 30 }]);
  assert.deepEqual(at.plant.written, [[4, 300]]);
  at.plant.mute = false;
  const rules = readFileSync(at.rules, "utf8");
  writeFileSync(at.rules, rules.replace("write = true", "write = false"), { mode: 0o600 });
  assert.equal(
    await at.say("/bus/plant/ctl", { op: "write", id: "w-2", point: "setpoint", value: 31 }),
    "ok",
  );
  const second = await at.ended("w-2");
  assert.equal(second.state, "failed");
  assert.match(String(second.reason), /do not let it be written/);
  writeFileSync(at.rules, rules.slice(0, 20), { mode: 0o600 });
  await until("the word about it", () => /Cannot use the bridge's rules/.test(bridge.told()) || undefined);
  at.plant.input.writeFloatBE(23, 0);
  await until("a reading", async () =>
    linesOf(await at.read("/bus/plant/telemetry")).find(({ value }) => value === 23),
  );
  const third = { op: "write", id: "w-3", point: "setpoint", value: 32 };
  assert.equal(await at.say("/bus/plant/ctl", third), "ok");
  assert.match(String((await at.ended("w-3")).reason), /Cannot use the bridge's rules/);
  writeFileSync(at.rules, rules, { mode: 0o600 });
  assert.equal(await at.say("/bus/plant/ctl", { ...third, id: "w-4" }), "ok");
  assert.equal((await at.ended("w-4")).state, "succeeded");
  assert.deepEqual(at.plant.written.slice(1), [[4, 320]]);
});

test("over links that break on either side nothing that was read is lost, and nothing is there twice", async () => {
  await using at = await busHive("plant protocol=modbus");
  at.start();
  const readings = async () => linesOf(await at.read("/bus/plant/telemetry"));
  await until("the first", async () => ((await readings()).length >= 4 ? true : undefined));
  for (let round = 1; round <= 6; round += 1) {
    if (round % 2 === 0) at.hive.hive.kernel.rings.closeSessions(({ subject }) => subject === "bus/plant");
    if (round % 3 === 0) at.plant.cut();
    at.plant.input.writeFloatBE(100 + round, 0);
    await until(`round ${round}`, async () => (await readings()).find(({ value }) => value === 100 + round));
  }
  const all = await readings();
  assert.deepEqual(
    all.map(({ seq }) => seq),
    Array.from({ length: all.length }, (_, nth) => nth + 1),
  );
  const { port } = at.plant;
  await at.plant.stop();
  const link = () => at.read("/bus/plant/link");
  await until("the loss", async () =>
    /^state=offline .*reason="device: /.test(await link()) ? true : undefined,
  );
  await at.plant[Symbol.asyncDispose]();
  const { Plant } = await import("./plant.test.ts");
  await using back = new Plant();
  back.input.writeFloatBE(7, 0);
  await back.listen(port);
  await until("the return", async () => (/^state=online/.test(await link()) ? true : undefined));
  await until("its reading", async () => (await readings()).find(({ value }) => value === 7));
});

test("an operator's offline stands, and what is read meanwhile waits in the hive until it is over", async () => {
  await using at = await busHive("plant protocol=modbus spool=64/8192");
  assert.equal(await at.say("/bus/plant/link", "offline service"), "ok");
  at.start();
  await until("the spool", async () =>
    /^entries=4 /.test(await at.read("/bus/plant/spool")) ? true : undefined,
  );
  assert.equal(await at.read("/bus/plant/telemetry"), "");
  assert.match(await at.read("/bus/plant/link"), /reason=service/);
  assert.equal(await at.say("/bus/plant/link", "online"), "ok");
  await until("the replay", async () => ((await at.read("/bus/plant/telemetry")) === "" ? undefined : true));
  assert.deepEqual(
    linesOf(await at.read("/bus/plant/telemetry")).map(({ seq }) => seq),
    [1, 2, 3, 4],
  );
});

test("one look without a hive shows every point, and what nobody may write cannot be the rules", async () => {
  await using at = await busHive("plant");
  const { code, out } = await at.hive.skep(["bus", "--rules", at.rules, "--once", "--json"]);
  assert.equal(code, 0);
  assert.deepEqual(JSON.parse(out), [
    { point: "running", value: 0 },
    { point: "setpoint", value: 20 },
    { point: "fixed", value: 0 },
    { point: "temperature", value: 21.5 },
  ]);
  const table = await at.hive.skep(["bus", "--rules", at.rules, "--once"]);
  assert.match(table.out, /temperature +21\.5/);
  const none = await at.hive.skep(["bus", "--rules", at.rules]);
  assert.deepEqual([none.code, /without a ticket/.test(none.err)], [2, true]);
  writeFileSync(at.rules, plantRules(1), { mode: 0o666 });
  const { chmodSync } = await import("node:fs");
  chmodSync(at.rules, 0o666);
  const shared = await at.hive.skep(["bus", "--rules", at.rules, "--once"]);
  assert.equal(shared.code, 4);
  chmodSync(at.rules, 0o600);
  const nobody = await at.hive.skep(["bus", "--rules", at.rules, "--once"]);
  assert.equal(nobody.code, 10);
});

test("a second bridge of a bus takes over, and the first ends and says so", async () => {
  await using at = await busHive("plant protocol=modbus");
  const first = at.start();
  await until("the bridge", async () => (await at.read("/bus/plant/info")).includes("setpoint") || undefined);
  const { incarnation } = JSON.parse(await at.read("/bus/plant/info.json")) as { incarnation: string };
  at.start("--folder", `${at.folder}-2`);
  await until("the second", async () =>
    (await at.read("/bus/plant/info")).includes(incarnation) ? undefined : true,
  );
  assert.equal(
    await at.say("/bus/plant/ctl", { op: "write", id: "w-1", point: "setpoint", value: 25 }),
    "ok",
  );
  assert.equal((await at.ended("w-1")).state, "succeeded");
  assert.deepEqual(at.plant.written, [[4, 250]]);
  await until("its end", () =>
    /another bridge of this bus was started/.test(first.told()) ? true : undefined,
  );
  assert.equal(await first.stop(), 8);
});
