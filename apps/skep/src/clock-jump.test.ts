import assert from "node:assert/strict";
import { test } from "node:test";
import { fullAuthority, Kernel, type Session } from "@skep/kernel";
import { leasesProvider } from "@skep/provider-leases";
import { queenProvider } from "@skep/provider-queen";
import { workersProvider } from "@skep/provider-workers";
import { recordingFiles, type SimulatedClock, simulatedClock } from "@skep/testing";

const minute = 60_000;

interface Rig {
  readonly kernel: Kernel;
  readonly clock: SimulatedClock;
  readonly owner: Session;
  command(line: object): Promise<string>;
  /** State and clock of the lifecycle. */
  lifecycle(): string;
}

async function rig(clock = simulatedClock(3), files = recordingFiles()): Promise<Rig> {
  const kernel: Kernel = await Kernel.open({
    files,
    clock,
    version: "test",
    providers: [
      workersProvider(),
      leasesProvider(),
      queenProvider({
        mostLive: 100,
        clock: { drift: () => kernel.time.drift(), confirm: () => kernel.time.confirm() },
      }),
    ],
    defer: (act) => void setImmediate(act),
    fatal: (error) => {
      throw error;
    },
    chance: () => "00",
    born: () => ({ id: "hive-clock", name: "clock" }),
  });
  const owner = kernel.attach(fullAuthority("owner"), "test");
  return {
    kernel,
    clock,
    owner,
    command: async (line) => {
      const { verdict, code } = await owner.append("/queen/ctl", line as never);
      return code ?? verdict;
    },
    lifecycle: () => {
      const { state, clock: trust } = kernel.slices.kernel.lifecycle.get();
      return `${state} ${trust}`;
    },
  };
}

const spawn = (seconds: number) => ({ spawn: "heartbeat", ticks: 9, budget: { ttl_s: seconds } });

function spawned({ kernel }: Rig): number {
  const queen = kernel.slices.bound.find(({ provider }) => provider.name === "queen");
  return (queen?.slice as { live: { size: number } } | undefined)?.live.size ?? -1;
}

for (const jump of [-61_000, 61_000, -3600_000, 3600_000])
  test(`a wall clock that jumps by ${jump / 1000} s stops new work until the operator confirms, and nothing else`, async () => {
    const hive = await rig();
    const { clock, kernel } = hive;
    assert.equal(await hive.command(spawn(120)), "ok");
    assert.equal(await hive.command(spawn(7200)), "ok");
    await clock.advanceAsync(10_000);
    const before = kernel.time.now();
    clock.jump(jump);
    await clock.advanceAsync(1000);
    assert.equal(hive.lifecycle(), "DEGRADED untrusted");
    assert.equal(kernel.time.now(), before + 1000);
    assert.equal(await hive.command(spawn(60)), "gate.dated");
    assert.deepEqual([await hive.command({ kill: "worker-9" }), spawned(hive)], ["queen.absent", 2]);
    // What runs goes on by record time: its lease ends when two minutes have passed, not when the wall clock says so.
    await clock.advanceAsync(108_000);
    assert.equal(spawned(hive), 2);
    await clock.advanceAsync(2000);
    assert.equal(spawned(hive), 1);
    assert.equal(await hive.command({ clock: "confirm" }), "ok");
    assert.equal(hive.lifecycle(), "ONLINE trusted");
    const confirmed = kernel.time.now();
    assert.equal(Math.abs(confirmed - (jump > 0 ? clock.now() : before + 111_000)) <= 1, true);
    await clock.advanceAsync(5000);
    assert.deepEqual([hive.lifecycle(), kernel.time.now() - confirmed], ["ONLINE trusted", 5000]);
    assert.equal(await hive.command(spawn(60)), "ok");
    assert.equal(await hive.command({ clock: "confirm" }), "queen.trusted");
    await kernel.close();
  });

test("a wall clock that moves by less than a minute changes nothing", async () => {
  const hive = await rig();
  hive.clock.jump(minute - 1);
  await hive.clock.advanceAsync(1000);
  hive.clock.jump(-2 * (minute - 1));
  await hive.clock.advanceAsync(1000);
  assert.deepEqual([hive.lifecycle(), await hive.command(spawn(60))], ["ONLINE trusted", "ok"]);
  await hive.kernel.close();
});

test("a confirmation holds from its answer on, however long the disk takes", async () => {
  const clock = simulatedClock(3);
  const files = recordingFiles();
  const hive = await rig(clock, files);
  clock.jump(-3600_000);
  await clock.advanceAsync(1000);
  const held = files.hold("sync");
  const answer = hive.command({ clock: "confirm" });
  await held.reached;
  await clock.advanceAsync(3000);
  held.release();
  assert.equal(await answer, "ok");
  await clock.advanceAsync(3000);
  assert.equal(hive.lifecycle(), "ONLINE trusted");
  await hive.kernel.close();
});

test("a start behind the time of the last record is degraded and never writes an older time", async () => {
  const clock = simulatedClock(3);
  const files = recordingFiles();
  const first = await rig(clock, files);
  await clock.advanceAsync(10_000);
  await first.command(spawn(60));
  const newest = first.kernel.time.now();
  await first.kernel.close();
  clock.jump(-3600_000);
  const second = await rig(clock, files);
  assert.deepEqual([second.lifecycle(), second.kernel.time.now()], ["DEGRADED untrusted", newest]);
  assert.equal(await second.command(spawn(60)), "gate.dated");
  assert.equal(await second.command({ clock: "confirm" }), "ok");
  assert.deepEqual([second.lifecycle(), await second.command(spawn(60))], ["ONLINE trusted", "ok"]);
  const times: number[] = [];
  for await (const { time } of second.kernel.journal.records(0)) times.push(time);
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
  );
  await second.kernel.close();
});
