import { faults } from "@skep/fault";
import type { Deciding, Decision, Emitted } from "@skep/kernel";
import { z } from "zod";
import { emit, type Lease, type Leases, mostNamed } from "./state.ts";

const fault = faults("leases", {
  role: ["denied", "Cannot do this with leases of others", { detail: "denied" }],
  absent: ["absent", "Cannot find lease", { detail: "invalid-path" }],
  spawned: [
    "conflict",
    "Cannot change the lease of a spawned worker",
    { cure: "Kill the worker: it ends with it" },
  ],
  taken: [
    "busy",
    "Cannot lease: no unit is free",
    { cure: 'See who has it: `skep cat /proc/lease/active`; "preempt":true takes it from a lower priority' },
  ],
  units: ["invalid", "Cannot lease more units than there are"],
  quota: ["quota", "Cannot lease: the holder has as many as it may", { detail: "buffer-full" }],
  many: ["quota", "Cannot remember another resource or holder"],
  shorter: ["conflict", "Cannot set fewer units than are leased"],
});

const name = z.string().regex(/^[\w./:-]{1,128}$/);
const ttl = z
  .int()
  .min(1)
  .max(10 * 365 * 86_400);
const id = z.string().regex(/^[\w-]{1,32}$/);

/** One line of `/queen/lease/ctl`. */
export const Command = z
  .discriminatedUnion("op", [
    z.strictObject({
      op: z.literal("grant"),
      resource: name,
      holder: name,
      ttl_s: ttl,
      units: z.int().min(1).max(1_000_000).default(1),
      priority: z.int().min(0).max(255).default(0),
      preempt: z.boolean().default(false),
    }),
    z.strictObject({ op: z.literal("renew"), lease: id, ttl_s: ttl }),
    z.strictObject({ op: z.literal("release"), lease: id }),
    z.strictObject({ op: z.literal("preempt"), lease: id, reason: z.string().min(1).max(128) }),
    z.strictObject({
      op: z.literal("units"),
      resource: name,
      units: z.int().min(1).max(1_000_000).nullable(),
    }),
    z.strictObject({
      op: z.literal("quota"),
      holder: name,
      leases: z.int().min(0).max(1_000_000).nullable(),
    }),
  ])
  .meta({ id: "LeaseCommand" });

/** A command that was checked. */
export type LeaseCommand = z.output<typeof Command>;
type Of<Op extends LeaseCommand["op"]> = Extract<LeaseCommand, { op: Op }>;
type At = Deciding<Leases>;

/** Leases of a resource, those with the lowest priority first, and of them the newest. */
function leasesOf({ leases }: Leases, resource: string): (readonly [string, Lease])[] {
  return [...leases.entries()]
    .filter(([, lease]) => lease.resource === resource)
    .sort(([, one], [, other]) => one.priority - other.priority || other.since - one.since);
}

const sum = (leases: readonly (readonly [string, Lease])[]): number =>
  leases.reduce((all, [, { units }]) => all + units, 0);

/** Leases that have to go so that so many units are free; undefined where that cannot be. */
function victims(
  held: readonly (readonly [string, Lease])[],
  lacks: number,
  priority: number,
): string[] | undefined {
  const gone: string[] = [];
  let freed = 0;
  for (const [lease, { units, priority: theirs, holder }] of held) {
    if (freed >= lacks) break;
    // A spawned worker keeps what it was spawned with.
    if (theirs >= priority || lease === holder) continue;
    gone.push(lease);
    freed += units;
  }
  return freed >= lacks ? gone : undefined;
}

function grant(command: Of<"grant">, { state, now, next }: At): Decision {
  const { resource, holder, units, priority, ttl_s } = command;
  const most = state.units.get(resource) ?? 1;
  if (units > most) throw fault.units(`${units} of ${most} of ${resource}`);
  const held = leasesOf(state, resource);
  const lacks = units - (most - sum(held));
  const gone = lacks <= 0 ? [] : command.preempt ? victims(held, lacks, priority) : undefined;
  if (!gone) throw fault.taken(`${resource} is with ${held.map(([, lease]) => lease.holder).join(", ")}`);
  const quota = state.quotas.get(holder);
  const has = [...state.leases.entries()].filter(
    ([lease, one]) => one.holder === holder && !gone.includes(lease),
  ).length;
  if (quota !== undefined && has >= quota) throw fault.quota(`${has} of ${quota}`);
  const lease = String(next);
  const until = now + ttl_s * 1000;
  const taken: Emitted[] = gone.map((one) =>
    emit("preempted@1", { lease: one, reason: `by ${lease} with priority ${priority}` }),
  );
  return {
    events: [...taken, emit("granted@1", { lease, resource, holder, units, priority, until })],
    result: { lease, until_ms: until, ...(gone.length > 0 ? { preempted: gone } : {}) },
  };
}

/** Who runs the hive; and an agent of a host whose ticket opens this control, for what tickets ask it. */
const runs = (role: string): boolean => role === "queen" || role === "agent";

function found(lease: string, { state, caller }: At): Lease {
  const known = state.leases.get(lease);
  const own = known?.holder === caller.subject;
  if (!known || (!own && !runs(caller.role))) throw fault.absent(lease);
  if (lease === known.holder) throw fault.spawned(lease);
  return known;
}

function setUnits({ resource, units }: Of<"units">, { state }: At): Decision {
  const leased = sum(leasesOf(state, resource));
  if ((units ?? 1) < leased) throw fault.shorter(`${leased} of ${resource}`);
  if (units !== null && !state.units.has(resource) && state.units.size >= mostNamed) throw fault.many();
  return { events: [emit("units@1", { resource, units })] };
}

function setQuota({ holder, leases }: Of<"quota">, { state }: At): Decision {
  if (leases !== null && !state.quotas.has(holder) && state.quotas.size >= mostNamed) throw fault.many();
  return { events: [emit("quota@1", { holder, leases })] };
}

/** Decides one line: whoever has a lease renews and releases it, and whoever runs the hive does everything. */
export function decide(command: LeaseCommand, at: At): Decision {
  if (command.op === "renew") {
    found(command.lease, at);
    const until = at.now + command.ttl_s * 1000;
    return { events: [emit("renewed@1", { lease: command.lease, until })], result: { until_ms: until } };
  }
  if (command.op === "release") {
    found(command.lease, at);
    return { events: [emit("released@1", { lease: command.lease })] };
  }
  if (!runs(at.caller.role)) throw fault.role(at.caller.role);
  if (command.op === "grant") return grant(command, at);
  if (command.op === "units") return setUnits(command, at);
  if (command.op === "quota") return setQuota(command, at);
  found(command.lease, at);
  return { events: [emit("preempted@1", { lease: command.lease, reason: command.reason })] };
}

/** When the first lease ends that no worker's life ends. */
export function nextEnd({ leases }: Leases): number | undefined {
  let first: number | undefined;
  for (const [lease, { until, holder }] of leases.entries())
    if (until !== null && lease !== holder && (first === undefined || until < first)) first = until;
  return first;
}

/** Leases that one record ends at most. */
const mostEnded = 256;

/** Ends those whose time is over. */
export function expire({ state, now }: At): Decision | undefined {
  const over = [...state.leases.entries()]
    .filter(([lease, { until, holder }]) => until !== null && until <= now && lease !== holder)
    .slice(0, mostEnded);
  if (over.length === 0) return undefined;
  return { events: over.map(([lease]) => emit("expired@1", { lease })) };
}
