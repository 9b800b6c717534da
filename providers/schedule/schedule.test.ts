import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import fc from "fast-check";
import { defineProvider, fullAuthority } from "@skep/kernel";
import { recordingFiles, simulatedClock, toyHive } from "@skep/testing";
import { scheduleProvider } from "./mod.ts";
import { minutesOf, openFrom, textOf } from "./src/window.ts";

const jobs = () =>
  defineProvider<null>({
    name: "jobs",
    doc: "Stand-in for jobs",
    initial: () => null,
    events: {},
    offers: { "outstanding-jobs": () => ({ counts: () => ({ jobs: 3 }) }) },
    mounts: () => ({}),
  });

async function rig(context: TestContext) {
  const clock = simulatedClock();
  const submitted: string[] = [];
  const schedule = scheduleProvider({
    misfit: (job) => ("run" in (job as object) ? undefined : "run: Required"),
    submit: async (job, key) => {
      submitted.push(`${JSON.stringify(job)} ${key}`);
      return { ok: true, told: String(submitted.length) };
    },
  });
  const kernel = await toyHive({ files: recordingFiles(), clock, providers: [jobs(), schedule] });
  context.after(() => kernel.close());
  const owner = kernel.attach(fullAuthority("owner"), "test");
  const ask = async (command: object) => {
    const { verdict, code } = await owner.append("/queen/schedule/ctl", JSON.stringify(command));
    return verdict === "ok" ? "ok" : code;
  };
  const pass = async (ms: number) => {
    clock.advance(ms);
    for (let turn = 0; turn < 20; turn += 1) {
      await kernel.settled();
      await new Promise((resolve) => void setImmediate(resolve));
    }
  };
  const read = async (path: string) => Buffer.from(await owner.read(path)).toString();
  return { kernel, ask, pass, submitted, read };
}

const add = (id: string, more: object = {}) => ({ op: "add", id, job: { run: id }, ...more });

test("an entry is submitted at its time, and as often as it says", async (context) => {
  const { ask, pass, submitted, read } = await rig(context);
  assert.equal(await ask(add("once", { at_ms: 0 })), "ok");
  await pass(1000);
  assert.equal(submitted.length, 1);
  assert.match(submitted[0] ?? "", /^\{"run":"once"\} schedule:once:\d+:1$/);
  assert.equal(await read("/proc/schedule/queue"), "");
  assert.equal(await ask(add("often", { every_s: 10, times: 3 })), "ok");
  await pass(1000);
  assert.equal(submitted.length, 2);
  await pass(10_000);
  assert.equal(submitted.length, 3);
  await pass(10_000);
  assert.equal(submitted.length, 4);
  await pass(60_000);
  assert.equal(submitted.length, 4);
  assert.equal(
    await read("/proc/schedule/summary"),
    "entries=0 paused=0 next_ms=0 submitted=4 refused=0 jobs=3\n",
  );
});

test("of entries that are due together the highest priority goes first, and what is paused does not go", async (context) => {
  const { kernel, ask, pass, submitted } = await rig(context);
  const at_ms = kernel.time.now() + 5000;
  await ask(add("low", { at_ms, priority: 1 }));
  await ask(add("high", { at_ms, priority: 9 }));
  await ask(add("raised", { at_ms }));
  await ask(add("paused", { at_ms }));
  assert.equal(await ask({ op: "priority", id: "raised", priority: 200 }), "ok");
  assert.equal(await ask({ op: "pause", id: "paused" }), "ok");
  assert.equal(await ask({ op: "pause", id: "paused" }), "schedule.paused");
  await pass(6000);
  assert.deepEqual(
    submitted.map((line) => line.split('"')[3]),
    ["raised", "high", "low"],
  );
  await ask({ op: "resume", id: "paused" });
  await pass(1000);
  assert.equal(submitted.length, 4);
});

test("what would be refused as a job is refused here, and ids are unique", async (context) => {
  const { ask } = await rig(context);
  assert.equal(await ask({ op: "add", id: "a", job: {} }), "schedule.job");
  assert.equal(await ask(add("a", { every_s: 60 })), "ok");
  assert.equal(await ask(add("a")), "schedule.there");
  assert.equal(await ask({ op: "remove", id: "a" }), "ok");
  assert.equal(await ask({ op: "remove", id: "a" }), "schedule.absent");
  assert.equal(await ask(add("b", { window: { from: "25:00", to: "01:00" } })), "gate.schema");
});

test("nothing begins while the hive drains, and of the times that came then one is made up for", async (context) => {
  const { kernel, ask, pass, submitted } = await rig(context);
  await ask(add("later", { at_ms: kernel.time.now() + 2000, every_s: 1 }));
  const lifecycle = (state: string) =>
    kernel.system("kernel", "/", { op: "test" }, () => ({
      events: [{ type: "lifecycle@1", data: { state, reason: "", since: 0, clock: "trusted" } }],
    }));
  lifecycle("DRAINING");
  await pass(5000);
  assert.equal(submitted.length, 0);
  lifecycle("ONLINE");
  await pass(0);
  assert.equal(submitted.length, 1);
});

test("the next moment of a window is in it, not before the time, and less than a day away", () => {
  const minute = fc.integer({ min: 0, max: 1439 });
  fc.assert(
    fc.property(minute, minute, fc.integer({ min: 0, max: 2 ** 41 }), (from, to, time) => {
      fc.pre(from !== to);
      const next = openFrom({ from, to }, time);
      const at = (next % 86_400_000) / 60_000;
      assert.ok(next >= time && next - time < 86_400_000);
      assert.ok(from < to ? at >= from && at < to : at >= from || at < to);
      assert.equal(minutesOf(textOf(from)), from);
    }),
  );
});
