import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readNvidia } from "./gpu.ts";
import { firstMovement, inputEvent, InputWatch } from "./input.ts";
import { gpuOf, hottest, onBattery } from "./power.ts";
import { lentMs, Memory, OthersCpu, Programs, treeOf } from "./proc.ts";
import { fileMachine, seen, startHog } from "./testing.ts";

const dir = mkdtempSync(join(tmpdir(), "skep-detect-"));
after(() => rmSync(dir, { recursive: true, force: true }));
const put = (path: string, text: string) => {
  mkdirSync(join(dir, path, ".."), { recursive: true });
  writeFileSync(join(dir, path), text);
};

test("a key on a device that is a FIFO is told with the time of its event", async () => {
  using machine = fileMachine();
  const moved: number[] = [];
  const { devices, sys } = machine.sources;
  using watch = new InputWatch(
    devices,
    sys,
    () => Date.now(),
    (at) => moved.push(at),
  );
  watch.start();
  assert.equal(watch.devices.length, 1);
  const at = machine.touch();
  await seen("the key", () => moved[0]);
  assert.ok(Math.abs((moved[0] ?? 0) - at) < 0.01, `${moved[0]} is not ${at}`);
});

test("what no person does is no movement, and the time of another clock is not believed", () => {
  const now = 1_800_000_000_000;
  assert.equal(firstMovement(inputEvent(now, 0, 0, 0), now), undefined);
  assert.equal(firstMovement(Buffer.concat([inputEvent(now, 4), inputEvent(now - 3, 2)]), now), now - 3);
  assert.equal(firstMovement(inputEvent(12_345), now), now);
});

test("only devices that a person moves are read", () => {
  const devices = join(dir, "input");
  mkdirSync(devices);
  for (const name of ["event0", "event1", "event2", "mice"]) writeFileSync(join(devices, name), "");
  put("sys/class/input/event0/device/capabilities/key", "10000000000000 0");
  put("sys/class/input/event1/device/capabilities/key", "ffffffffffffffff fffffffffffffffe");
  put("sys/class/input/event2/device/capabilities/key", "0");
  put("sys/class/input/event2/device/capabilities/rel", "3");
  using watch = new InputWatch(devices, join(dir, "sys"), Date.now, () => undefined);
  watch.start();
  assert.deepEqual(
    watch.devices.map((path) => path.slice(-6)),
    ["event1", "event2"],
  );
});

const supplies: [name: string, files: Record<string, string>, on: boolean | undefined][] = [
  ["a desktop", {}, undefined],
  [
    "a laptop on mains",
    { "AC/type": "Mains", "AC/online": "1", "BAT0/type": "Battery", "BAT0/status": "Discharging" },
    false,
  ],
  [
    "a laptop unplugged",
    { "AC/type": "Mains", "AC/online": "0", "BAT0/type": "Battery", "BAT0/status": "Discharging" },
    true,
  ],
  ["a full battery without mains known", { "BAT0/type": "Battery", "BAT0/status": "Full" }, false],
  [
    "a mouse with a battery",
    { "m/type": "Battery", "m/status": "Discharging", "m/scope": "Device" },
    undefined,
  ],
];
for (const [at, [name, files, on]] of supplies.entries())
  test(`${name} ${on === undefined ? "says nothing of battery" : `is ${on ? "" : "not "}on battery`}`, () => {
    for (const [file, text] of Object.entries(files)) put(`s${at}/class/power_supply/${file}`, `${text}\n`);
    assert.equal(onBattery(join(dir, `s${at}`)), on);
  });

test("the hottest zone counts, a sensor that says nothing does not", () => {
  put("t/class/thermal/thermal_zone0/temp", "41000\n");
  put("t/class/thermal/thermal_zone1/temp", "-273200\n");
  put("t/class/hwmon/hwmon0/name", "coretemp\n");
  put("t/class/hwmon/hwmon0/temp1_input", "67500\n");
  put("t/class/hwmon/hwmon1/name", "nvme\n");
  put("t/class/hwmon/hwmon1/temp1_input", "90000\n");
  assert.equal(hottest(join(dir, "t")), 67.5);
  assert.equal(hottest(join(dir, "nothing")), undefined);
});

test("GPUs are told by the kernel or by nvidia-smi", () => {
  put("t/class/drm/card0/device/gpu_busy_percent", "37\n");
  put("t/class/drm/card0/device/hwmon/hwmon3/temp1_input", "55000\n");
  assert.deepEqual(gpuOf(join(dir, "t"), "0"), { busy: 37, temperature: 55 });
  assert.deepEqual(readNvidia("1, 83, 61"), ["1", { busy: 83, temperature: 61 }]);
  assert.equal(readNvidia("No devices were found"), undefined);
});

test("what others use is without our own, and without what made itself nice", () => {
  const stat = (user: number, nice: number, idle: number) => `cpu  ${user} ${nice} 0 ${idle} 0 0 0 0 0 0\n`;
  const own = (user: number) => `7 (a b) c) S 1 7 7 0 -1 0 0 0 0 0 ${user} 0 0 0 20 0 1 0 0\n`;
  put("p/stat", stat(0, 0, 1000));
  put("p/7/stat", own(0));
  put("p/loadavg", "2.50 1 1 1/2 3\n");
  const others = new OthersCpu(join(dir, "p"), () => [7]);
  others.look(0);
  put("p/stat", stat(80, 500, 1420));
  put("p/7/stat", own(30));
  assert.deepEqual(others.look(1000), { cpu: 5, load: 2.5 });
});

test("a real process that needs the processor is seen by the real /proc", async () => {
  using hog = startHog();
  const others = new OthersCpu("/proc", () => [process.pid].filter((pid) => pid !== process.pid));
  const began = performance.now();
  others.look(0);
  const before = hog.ticks();
  await new Promise((resolve) => setTimeout(resolve, 700));
  const { cpu = 0 } = others.look(700);
  const { availableParallelism } = await import("node:os");
  const share = ((hog.ticks() - before) * 1000) / (performance.now() - began) / availableParallelism();
  assert.ok(share > 2 && cpu >= share * 0.8, `${cpu} % seen, ${share} % used`);
  assert.ok(treeOf("/proc", [process.pid]).includes(hog.pid));
  assert.ok(lentMs("/proc", process.pid) > 0);
});

test("pressure is the part of the time between two looks in which somebody waited", () => {
  put("m/pressure/memory", "some avg10=0 avg60=0 avg300=0 total=1000\nfull avg10=0 total=0\n");
  const memory = new Memory(join(dir, "m"), () => []);
  assert.equal(memory.pressure(0), 0);
  put("m/pressure/memory", "some avg10=0 avg60=0 avg300=0 total=126000\n");
  assert.equal(memory.pressure(250), 50);
  put("m/meminfo", "MemTotal: 1000 kB\nMemFree: 1 kB\nMemAvailable: 250 kB\n");
  assert.equal(memory.used(), 75);
  assert.equal(new Memory(join(dir, "none"), () => []).pressure(1), undefined);
});

test("a named program is seen while it runs", async () => {
  const programs = new Programs("/proc");
  const wanted = new Set(["sleep"]);
  const child = spawn("sleep", ["30"]);
  await seen("sleep", () => (programs.look(wanted)?.includes("sleep") ? true : undefined));
  child.kill("SIGKILL");
  assert.equal(new Programs(join(dir, "none")).look(wanted), undefined);
});
