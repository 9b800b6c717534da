import assert from "node:assert/strict";
import { test } from "node:test";
import { fullAuthority, type Kernel, type Session } from "@skep/kernel";
import { leasesProvider } from "@skep/provider-leases";
import { Figures, ringsProvider } from "@skep/provider-telemetry";
import { workersProvider } from "@skep/provider-workers";
import { recordingFiles, type SimulatedClock, simulatedClock, toyAuthority, toyHive } from "@skep/testing";
import { queenProvider } from "./mod.ts";

interface Hive {
  readonly kernel: Kernel;
  readonly clock: SimulatedClock;
  readonly owner: Session;
  readonly files: ReturnType<typeof recordingFiles>;
}

async function hive(mostLive = 256, files = recordingFiles(), clock = simulatedClock()): Promise<Hive> {
  let kernel: Kernel | undefined;
  const queen = queenProvider({
    mostLive,
    clock: { drift: () => kernel?.time.drift() ?? 0, confirm: () => kernel?.time.confirm() },
  });
  const quotas = { ringBytes: 16 * 1024, keep: false, advances: 0, resumes: 0 };
  const rings = ringsProvider({ files, figures: new Figures(clock), quotas });
  kernel = await toyHive({ files, clock, providers: [queen, leasesProvider(), workersProvider(), rings] });
  return { kernel, clock, files, owner: kernel.attach(fullAuthority("owner"), "test") };
}

const text = async (session: Session, path: string): Promise<string> =>
  Buffer.from(await session.read(path)).toString();
const workers = async (session: Session): Promise<string[]> =>
  (await session.list(await session.find("/worker"))).map(({ name }) => name);
const heartbeat = { spawn: "heartbeat", ticks: 5 };
const ask = (session: Session, command: object) => session.append("/queen/ctl", JSON.stringify(command));
const result = async (session: Session, command: object) => (await ask(session, command)).result;
const code = async (session: Session, command: object) => (await ask(session, command)).code;
const lease = { gpu_id: "GPU-0", mem_mb: 4096, streams: 1, ttl_s: 120, priority: 1 };

test("spawned workers are numbered from 1, live below /worker and below their shard", async (context) => {
  const { kernel, owner } = await hive();
  context.after(() => kernel.close());
  assert.deepEqual(await result(owner, { ...heartbeat, budget: { ttl_s: 60, ops: 10 } }), {
    worker: "worker-1",
  });
  assert.deepEqual(await result(owner, { spawn: "gpu", lease, budget: {} }), { worker: "worker-2" });
  assert.deepEqual(await workers(owner), ["worker-1", "worker-2"]);
  await owner.append("/shard/13/worker/worker-1/telemetry", "tick 1\n");
  assert.equal(await text(owner, "/worker/worker-1/telemetry"), "tick 1\n");
  assert.match(await text(owner, "/worker/worker-1/spawn"), /^kind=heartbeat\n.*ticks=5\nops=10\n$/s);
  assert.match(await text(owner, "/shard/1c/worker/worker-2/spawn"), /gpu_id=GPU-0\nmem_mb=4096\n/);
});

test("a killed worker is gone, its number is never used again, and a second kill finds nothing", async () => {
  const { kernel, owner, files, clock } = await hive();
  await ask(owner, heartbeat);
  await ask(owner, heartbeat);
  const found = await owner.find("/worker/worker-2/telemetry.follow");
  const follower = await owner.open(found, { read: true, write: false });
  const end = follower.read(0, 1);
  assert.equal((await ask(owner, { kill: "worker-2" })).verdict, "ok");
  assert.equal((await end).length, 0);
  await assert.rejects(() => text(owner, "/worker/worker-2/telemetry"), { kind: "absent" });
  const again = await ask(owner, { kill: "worker-2" });
  assert.deepEqual([again.kind, again.code], ["absent", "queen.absent"]);
  await kernel.close();
  const next = await hive(256, recordingFiles(files.image()), clock);
  assert.deepEqual(await workers(next.owner), ["worker-1"]);
  assert.deepEqual(await result(next.owner, heartbeat), { worker: "worker-3" });
  await next.kernel.close();
});

test("a wrapped telemetry ring is told to the log, with every record once a second at most", async () => {
  const { kernel, owner, files, clock } = await hive();
  await ask(owner, heartbeat);
  await owner.append("/worker/worker-1/telemetry", `${"x".repeat(1023)}\n`);
  await owner.append("/worker/worker-1/telemetry", "y".repeat(9));
  const log = (at: Kernel) => Buffer.from(at.rings.ring("/log/queen.log").read(0, 4096)).toString();
  assert.equal(
    log(kernel),
    "[hive] spawned worker-1\n[hive] telemetry ring wrap dropped_bytes=10 new_base=10\n",
  );
  await kernel.close();
  const next = await hive(256, recordingFiles(files.image()), clock);
  const tell = (size: number) => next.owner.append("/worker/worker-1/telemetry", "z".repeat(size - 1));
  assert.equal((await tell(1025)).code, "telemetry.record");
  await tell(1024);
  for (let count = 0; count < 3; count += 1) await tell(6);
  await clock.advanceAsync(1000);
  await tell(6);
  assert.equal(
    log(next.kernel),
    "[hive] telemetry ring wrap dropped_bytes=6 new_base=6\n[hive] telemetry ring wrap dropped_bytes=18 new_base=24\n",
  );
  await next.kernel.close();
});

test("a worker whose time is over is killed by the tick, and its sessions end", async (context) => {
  const { kernel, owner, clock } = await hive();
  context.after(() => kernel.close());
  await ask(owner, { ...heartbeat, budget: { ttl_s: 3 } });
  await ask(owner, { spawn: "gpu", lease: { ...lease, ttl_s: 60 }, budget: { ttl_s: 10 } });
  const session = kernel.attach(toyAuthority("worker-1", { "/worker": ["read", "write"] }), "test");
  await clock.advanceAsync(2900);
  assert.equal(session.state, "ACTIVE");
  await clock.advanceAsync(1200);
  await kernel.settled();
  assert.deepEqual(await workers(owner), ["worker-2"]);
  assert.equal(session.state, "CLOSED");
  await clock.advanceAsync(7000);
  assert.deepEqual(await workers(owner), []);
});

test("what is not exactly a command is refused with what is wrong", async (context) => {
  const { kernel, owner } = await hive();
  context.after(() => kernel.close());
  const cases: [object, RegExp][] = [
    [{ spawn: "heartbeat" }, /a heartbeat worker needs ticks/],
    [{ spawn: "gpu", budget: {} }, /a gpu worker needs lease/],
    [{ ...heartbeat, lease }, /lease does not belong/],
    [{ kill: "worker-1", budget: {} }, /budget does not belong/],
    [{ ...heartbeat, kill: "worker-1" }, /exactly one of/],
    [{}, /exactly one of/],
    [{ spawn: "alien" }, /spawn: /],
    [{ ...heartbeat, budget: { ttl: 5 } }, /ttl/],
    [{ bind: { from: "/a" } }, /bind/],
    [{ bind: { from: "/a", to: "/b" }, ticks: 1 }, /ticks does not belong/],
    [{ mount: { service: "nothing", at: "/logs" } }, /mount/],
    [{ clock: "now" }, /clock: /],
  ];
  for (const [command, message] of cases) {
    const answer = await ask(owner, command);
    assert.equal(answer.code, "gate.schema", JSON.stringify(command));
    assert.match(answer.message ?? "", message);
  }
});

test("the limit of live workers holds and frees with each kill", async (context) => {
  const { kernel, owner } = await hive(2);
  context.after(() => kernel.close());
  assert.equal(await code(owner, heartbeat), undefined);
  assert.equal(await code(owner, heartbeat), undefined);
  const refused = await ask(owner, heartbeat);
  assert.deepEqual([refused.code, refused.reason], ["queen.full", "busy"]);
  await ask(owner, { kill: "worker-1" });
  assert.deepEqual(await result(owner, heartbeat), { worker: "worker-3" });
});

test("one GPU is leased to one worker at a time", async (context) => {
  const { kernel, owner } = await hive();
  context.after(() => kernel.close());
  const answers = await Promise.all([1, 2].map(() => code(owner, { spawn: "gpu", lease })));
  assert.deepEqual(answers, [undefined, "queen.leased"]);
  await ask(owner, { kill: "worker-1" });
  assert.equal(await code(owner, { spawn: "gpu", lease }), undefined);
});

test("only the role queen commands, whatever the ticket may write", async (context) => {
  const { kernel } = await hive();
  context.after(() => kernel.close());
  const other = kernel.attach(toyAuthority("o", { "/": ["read", "write"] }), "test");
  assert.equal(await code(other, heartbeat), "queen.role");
});

test("a revoked block ends the sessions of its tickets at once; revoking again is no error", async (context) => {
  const { kernel, owner } = await hive();
  context.after(() => kernel.close());
  const other = kernel.attach(toyAuthority("o", { "/worker": ["read"] }), "test");
  assert.deepEqual(await result(owner, { revoke: "block-o" }), { block: "block-o", known: false });
  assert.equal(other.state, "CLOSED");
  assert.equal(kernel.slices.kernel.revoked.has("block-o"), true);
  assert.deepEqual(await result(owner, { revoke: "block-o" }), { block: "block-o", known: true });
});

test("a jumped clock refuses what has a date until the operator confirms it", async (context) => {
  const { kernel, owner, clock } = await hive();
  context.after(() => kernel.close());
  assert.equal(await code(owner, { clock: "confirm" }), "queen.trusted");
  clock.jump(3600_000);
  await clock.advanceAsync(1000);
  assert.equal(await code(owner, heartbeat), "gate.dated");
  assert.deepEqual(await result(owner, { clock: "confirm" }), { state: "ONLINE" });
  assert.equal(kernel.time.now(), clock.now());
  await clock.advanceAsync(2000);
  assert.equal(kernel.slices.kernel.lifecycle.get().state, "ONLINE");
  assert.equal(await code(owner, heartbeat), undefined);
});

test("a draining hive spawns nothing, and still kills", async (context) => {
  const { kernel, owner } = await hive();
  context.after(() => kernel.close());
  await ask(owner, heartbeat);
  kernel.drain("update");
  assert.equal(await code(owner, heartbeat), "gate.draining");
  assert.equal(await code(owner, { kill: "worker-1" }), undefined);
});

test("what is bound or mounted is seen by that session only, with the rights of where it leads", async (context) => {
  const { kernel, owner } = await hive();
  context.after(() => kernel.close());
  await ask(owner, heartbeat);
  await owner.append("/worker/worker-1/telemetry", "tick 1\n");
  const mine = await ask(owner, { bind: { from: "/worker/worker-1", to: "/mine" } });
  assert.deepEqual(mine.result, { from: "/worker/worker-1", to: "/mine" });
  assert.equal(await text(owner, "/mine/telemetry"), "tick 1\n");
  await ask(owner, { mount: { service: "workers", at: "/queen/fleet" } });
  const names = async (session: Session, path: string) =>
    (await session.list(await session.find(path))).map(({ name }) => name);
  assert.deepEqual(await names(owner, "/queen/fleet"), ["worker-1"]);
  assert.deepEqual(await names(owner, "/queen"), ["ctl", "lease", "fleet"]);
  assert.deepEqual(
    owner.ns.map(({ to }) => to),
    ["/mine", "/queen/fleet"],
  );
  const other = kernel.attach(fullAuthority("owner"), "test");
  await assert.rejects(text(other, "/mine/telemetry"), { kind: "absent" });
  const narrow = kernel.attach(
    { ...toyAuthority("queen-2", { "/queen": ["read", "write"], "/proc": ["read"] }), role: "queen" },
    "test",
  );
  assert.equal(await code(narrow, { bind: { from: "/worker", to: "/queen/x" } }), "queen.unseen");
  assert.equal(await code(narrow, { bind: { from: "/proc", to: "/queen/x" } }), undefined);
  await assert.rejects(narrow.append("/queen/x/none", "a"), { kind: "absent" });
});

test("a GPU that somebody has by a lease is not spawned with, and one of two units is", async (context) => {
  const { kernel, owner } = await hive();
  context.after(() => kernel.close());
  const lend = (line: object) => owner.append("/queen/lease/ctl", JSON.stringify(line));
  const held = await lend({ op: "grant", resource: "gpu/GPU-0", holder: "ann", ttl_s: 60 });
  const gpu = { spawn: "gpu", lease };
  assert.equal(await code(owner, gpu), "queen.leased");
  await lend({ op: "units", resource: "gpu/GPU-0", units: 2 });
  assert.deepEqual(await result(owner, gpu), { worker: "worker-1" });
  assert.equal(await code(owner, gpu), "queen.leased");
  await lend({ op: "release", lease: (held.result as { lease: string }).lease });
  assert.deepEqual(await result(owner, gpu), { worker: "worker-2" });
});

test("a bind that goes up, to the root, or into itself is refused", async (context) => {
  const { kernel, owner } = await hive();
  context.after(() => kernel.close());
  for (const [from, to, refused] of [
    ["/../log", "/x", "path.dots"],
    ["/log", "/x/../y", "path.dots"],
    ["/log", "/", "space.root"],
    ["/log", "/log/x", "space.self"],
    ["/", "/x", "space.self"],
    ["log", "/x", "path.relative"],
  ] as const)
    assert.equal(await code(owner, { bind: { from, to } }), refused, `${from} ${to}`);
});
