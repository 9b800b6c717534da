import { faults } from "@skep/fault";
import {
  type Bound,
  type Deciding,
  type Decision,
  type Emitted,
  type KernelSlice,
  limits,
  Space,
} from "@skep/kernel";
import { type QueenCommand, services } from "./command.ts";
import { emit, type Queen, type Spawned } from "./state.ts";

const fault = faults("queen", {
  role: ["denied", "Cannot command the hive with this role", { detail: "denied" }],
  absent: ["absent", "Cannot kill worker: no such worker", { detail: "invalid-path" }],
  full: [
    "busy",
    "Cannot spawn: the limit of live workers is reached",
    { cure: "Kill one, or wait for one to expire" },
  ],
  leased: [
    "busy",
    "Cannot lease a GPU that is leased",
    { cure: "See /proc/lease/active; kill its worker, release the lease, or wait for its end" },
  ],
  unseen: ["absent", "Cannot bind what is not there", { detail: "invalid-path" }],
  trusted: ["conflict", "Cannot confirm a clock that is trusted"],
});

/** Views of other slices. */
export interface Uses {
  readonly kernel: KernelSlice;
  /** Leases of things that only so many can have, those of spawned workers included. */
  readonly leased: { takenBy(resource: string): readonly string[] | undefined };
}

type At = Deciding<Queen, Uses>;

function spawn(
  command: QueenCommand & { spawn: Spawned["kind"] },
  { state, views, now }: At,
  most: number,
): Decision {
  if (state.live.size >= most) throw fault.full(most);
  const { lease, budget, ticks } = command;
  const holders = lease && views.leased.takenBy(`gpu/${lease.gpu_id}`);
  if (holders) throw fault.leased(`${lease?.gpu_id} by ${holders.join(", ")}`);
  const lives = [lease?.ttl_s, budget?.ttl_s].filter((ttl) => ttl !== undefined);
  const worker = `worker-${state.last.get() + 1}`;
  const spawned = {
    kind: command.spawn,
    expires: lives.length === 0 ? null : now + Math.min(...lives) * 1000,
    ticks: ticks ?? null,
    ops: budget?.ops ?? null,
    lease: lease ?? null,
  };
  return { events: [emit("spawned@1", { worker, ...spawned })], result: { worker } };
}

function kill(worker: string, { state }: At): Decision {
  if (!state.live.has(worker)) throw fault.absent(worker);
  return { events: [emit("killed@1", { worker, reason: "killed" })], result: { worker } };
}

// Revoking twice is harmless; the session that the line came through may end by it.
function revoke(block: string, { views }: At): Decision {
  const known = views.kernel.revoked.has(block);
  const events: Emitted[] = known
    ? []
    : [{ type: "kernel:revoked@1", data: { block } }, emit("revoked@1", { block })];
  return { events, result: { block, known } };
}

function confirm({ views, now }: At, drift: () => number): Decision {
  const before = views.kernel.lifecycle.get();
  if (before.clock === "trusted") throw fault.trusted();
  const after = {
    state: before.state === "DEGRADED" ? "ONLINE" : before.state,
    reason: before.state === "DEGRADED" ? "clock confirmed" : before.reason,
    since: before.state === "DEGRADED" ? now : before.since,
    clock: "trusted",
  };
  return {
    events: [{ type: "kernel:lifecycle@1", data: after }, emit("clock-confirmed@1", { drift: drift() })],
    result: { state: after.state },
  };
}

// A place that the caller may not see is no place to bind: what stands there is asked for at each walk again.
function bind(bound: Bound, { caller }: At): Decision {
  Space.check(bound, limits);
  if (!caller.reaches(bound.from)) throw fault.unseen(bound.from);
  return { events: [emit("bound@1", { session: caller.session, ...bound })], result: { ...bound } };
}

function boundBy({ bind: asked, mount }: QueenCommand): Bound | undefined {
  if (asked) return asked;
  return mount && { from: services[mount.service], to: mount.at, service: mount.service };
}

/** What the app says about the present. */
export interface Present {
  readonly mostLive: number;
  /** How far the wall clock is ahead of record time, milliseconds. */
  readonly drift: () => number;
}

/** Decides one line of `/queen/ctl`. */
export function decide(command: QueenCommand, at: At, present: Present): Decision {
  if (at.caller.role !== "queen") throw fault.role(at.caller.role);
  if (command.kill !== undefined) return kill(command.kill, at);
  if (command.revoke !== undefined) return revoke(command.revoke, at);
  if (command.clock !== undefined) return confirm(at, present.drift);
  const bound = boundBy(command);
  if (bound) return bind(bound, at);
  return spawn({ ...command, spawn: command.spawn ?? "heartbeat" }, at, present.mostLive);
}

/** When the first worker's time is over. */
export function nextEnd({ live }: Queen): number | undefined {
  let first: number | undefined;
  for (const { expires } of live.values())
    if (expires !== null && (first === undefined || expires < first)) first = expires;
  return first;
}

/** Kills those whose time is over. */
export function expire({ state, now }: At): Decision | undefined {
  const over = [...state.live.entries()].filter(([, { expires }]) => expires !== null && expires <= now);
  if (over.length === 0) return undefined;
  return { events: over.map(([worker]) => emit("killed@1", { worker, reason: "expired" })) };
}
