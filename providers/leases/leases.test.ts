import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { defineProvider, fullAuthority } from "@skep/kernel";
import { recordingFiles, simulatedClock, toyHive } from "@skep/testing";
import { leasesProvider } from "./mod.ts";

/** Tells of spawned workers. */
const queen = () =>
  defineProvider<null>({
    name: "queen",
    doc: "Stand-in for the queen",
    initial: () => null,
    events: { "spawned@1": () => undefined, "killed@1": () => undefined },
    mounts: () => ({}),
  });

async function rig(context: TestContext) {
  const clock = simulatedClock();
  const kernel = await toyHive({
    files: recordingFiles(),
    clock,
    providers: [queen(), leasesProvider()],
  });
  context.after(() => kernel.close());
  const attach = (subject: string, role = "queen") => kernel.attach(fullAuthority(subject, role), "test");
  const owner = attach("owner");
  const ask = async (command: object, session = owner) => {
    const { verdict, code, result } = await session.append("/queen/lease/ctl", JSON.stringify(command));
    return verdict === "ok" ? ((result as { lease?: string } | undefined)?.lease ?? "ok") : code;
  };
  const grant = (holder: string, more: object = {}) =>
    ask({ op: "grant", resource: "gpu/GPU-0", holder, ttl_s: 60, ...more });
  const holders = async () => {
    const rows = JSON.parse(Buffer.from(await owner.read("/proc/lease/active.json")).toString());
    return rows.map(({ holder }: { holder: string }) => holder);
  };
  return { kernel, clock, ask, grant, holders, attach, owner };
}

test("a unit is leased once, until it is released or its time is over, and renewing gives it more", async (context) => {
  const { kernel, clock, ask, grant, holders } = await rig(context);
  const first = await grant("w-1");
  assert.equal(await grant("w-2"), "leases.taken");
  clock.advance(50_000);
  assert.equal(await ask({ op: "renew", lease: first, ttl_s: 60 }), "ok");
  clock.advance(50_000);
  await kernel.settled();
  assert.deepEqual(await holders(), ["w-1"]);
  clock.advance(11_000);
  await kernel.settled();
  assert.deepEqual(await holders(), []);
  const second = await grant("w-2");
  assert.equal(await ask({ op: "release", lease: second }), "ok");
  assert.equal(await ask({ op: "release", lease: second }), "leases.absent");
});

test("a higher priority takes the place of the lowest ones alone, and is told why it cannot", async (context) => {
  const { ask, grant, holders, owner } = await rig(context);
  await ask({ op: "units", resource: "gpu/GPU-0", units: 3 });
  await grant("low", { priority: 1 });
  await grant("middle", { priority: 5 });
  await grant("high", { priority: 9 });
  assert.equal(await grant("new", { priority: 5 }), "leases.taken");
  assert.equal(await grant("new", { priority: 1, preempt: true }), "leases.taken");
  assert.match(String(await grant("new", { priority: 6, units: 2, preempt: true })), /^\d+$/);
  assert.deepEqual(await holders(), ["high", "new"]);
  const told = Buffer.from(await owner.read("/proc/lease/preemptions")).toString();
  assert.match(told, /holder=low .*\n.*holder=middle .* reason=by \d+ with priority 6\n$/);
  assert.equal(await grant("big", { units: 4 }), "leases.units");
  assert.equal(await ask({ op: "units", resource: "gpu/GPU-0", units: 2 }), "leases.shorter");
});

test("a quota holds for its holder, and a holder can do no more than renew and release its own", async (context) => {
  const { ask, grant, attach } = await rig(context);
  await ask({ op: "quota", holder: "w-1", leases: 1 });
  const mine = await grant("w-1", { resource: "a" });
  assert.equal(await grant("w-1", { resource: "b" }), "leases.quota");
  const theirs = await grant("w-2", { resource: "b" });
  const worker = attach("w-1", "worker");
  assert.equal(await ask({ op: "grant", resource: "c", holder: "w-1", ttl_s: 1 }, worker), "leases.role");
  assert.equal(await ask({ op: "release", lease: theirs }, worker), "leases.absent");
  assert.equal(await ask({ op: "renew", lease: mine, ttl_s: 5 }, worker), "ok");
  assert.equal(await ask({ op: "release", lease: mine, more: 1 }, worker), "gate.schema");
});

test("what a worker was spawned with is its own as long as it lives", async (context) => {
  const { kernel, ask, grant, holders } = await rig(context);
  const tell = (type: string, data: object) =>
    kernel.system("queen", "/", { op: "tell" }, () => ({ events: [{ type, data: data as never }] }));
  const lease = { gpu_id: "GPU-0", mem_mb: 1, streams: 1, ttl_s: 60, priority: 1 };
  tell("spawned@1", { worker: "worker-1", expires: 5, lease });
  assert.equal(await grant("w-2", { priority: 9, preempt: true }), "leases.taken");
  assert.equal(await ask({ op: "release", lease: "worker-1" }), "leases.spawned");
  assert.deepEqual(await holders(), ["worker-1"]);
  tell("killed@1", { worker: "worker-1", reason: "killed" });
  assert.deepEqual(await holders(), []);
});
