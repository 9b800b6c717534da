import type { Deciding, Decision, Emitted } from "@skep/kernel";
import { membersOf } from "./arrays.ts";
import { isBarred } from "./bans.ts";
import { containing } from "./contain.ts";
import { emit } from "./events.ts";
import { isOver, lives, straggleMs } from "./leases.ts";
import { isEnded, type Job, type Jobs, type Lease, leaseMs, quickMs } from "./model.ts";
import { fits } from "./place.ts";
import { type NcuOf, Picker } from "./pick.ts";
import { dueBallots, nextBallot } from "./replicate-due.ts";
import { converted, mayAnswer } from "./replicate-place.ts";
import type { Uses } from "./uses.ts";

type At = Deciding<Jobs, Uses>;

/** Leases that one result brings at most: one for its place, one to get ahead. */
const mostNext = 2;
/** What one check takes up at most of each: its record must stay far below the largest. */
const checkMost = 256;
/** Leases of one record. */
const leaseMost = 64;

export function pickerOf({ state, views, now }: At, gone?: ReadonlySet<string>): Picker {
  const ncuOf: NcuOf = (owner) => views.ledger?.ncu(owner) ?? 0;
  return new Picker(state, views, now, { ncuOf, ...(gone ? { gone } : {}) });
}

/** What comes next to a worker whose job ends: as much as it has room for, and more than slots while jobs are short. */
export function nextLeases(at: At, worker: string, ended: Job): Emitted[] {
  const { state, now } = at;
  const free = state.capacity.get(worker);
  if (state.halted.get()) return [];
  if (!free?.present || free.paused === true || isBarred(state, worker) || state.queue.size === 0) return [];
  const since = ended.leases.find((one) => one.worker === worker)?.since ?? 0;
  const ahead = now - since < quickMs ? (free.ahead ?? 0) : 0;
  const room = Math.min(mostNext, free.slots + ahead - (free.used - 1));
  const picker = pickerOf(at, new Set([ended.id]));
  const events: Emitted[] = [];
  while (events.length < room) {
    const job = picker.take(worker);
    if (!job) break;
    events.push(emit("leased@1", { job: job.id, worker, until: now + leaseMs }));
  }
  return events;
}

/** The worker that has been idle longest among those that may have a job, unless something that waits is before it. */
export function idleFor(at: At, job: Job): string | undefined {
  if (at.state.idle.size === 0 || at.state.halted.get()) return undefined;
  const picker = pickerOf(at);
  for (const id of at.state.idle.keys())
    if (
      fits(job, picker.machine(id)) &&
      mayAnswer(at.state, job, id, at.now) &&
      !(at.state.queue.size > 0 && picker.wants(id))
    )
      return id;
  return undefined;
}

/** Waiting jobs for idle workers, those that are idle longest first. */
function leases(at: At, gone: ReadonlySet<string>): Emitted[] {
  const { state, now } = at;
  if (state.queue.size === 0 || state.idle.size === 0 || state.halted.get()) return [];
  const picker = pickerOf(at, gone);
  const used = new Map<string, number>();
  const events: Emitted[] = [];
  // Round after round one each, so that work is spread over machines.
  for (let idle = [...state.idle.keys()]; idle.length > 0 && events.length < leaseMost; ) {
    const served: string[] = [];
    for (const id of idle) {
      if (events.length >= leaseMost || !hasRoom(state, id, used)) continue;
      const job = picker.take(id);
      if (!job) continue;
      used.set(id, (used.get(id) ?? 0) + 1);
      events.push(emit("leased@1", { job: job.id, worker: id, until: now + leaseMs }));
      served.push(id);
    }
    idle = served;
  }
  return events;
}

function hasRoom(state: Jobs, id: string, used: ReadonlyMap<string, number>): boolean {
  const capacity = state.capacity.get(id);
  return capacity !== undefined && capacity.used + (used.get(id) ?? 0) < capacity.slots;
}

/** The one lease of a job that takes much longer than its module does. */
function straggler(state: Jobs, job: Job | undefined, now: number): Lease | undefined {
  const [only, another] = job?.leases ?? [];
  if (!job || !only || another || isEnded(job.state)) return undefined;
  const late = straggleMs(state, job);
  return late > 0 && now - only.since >= late ? only : undefined;
}

/** Jobs that run much longer than their module does, each once more where a machine has nothing else to do. */
function copies(at: At): Emitted[] {
  const { state, now } = at;
  if (state.idle.size === 0 || state.halted.get()) return [];
  const picker = pickerOf(at);
  const used = new Map<string, number>();
  const events: Emitted[] = [];
  // Of ten thousand idle machines none is looked at before there is a job for it.
  let idle: readonly string[] | undefined;
  for (const id of state.held.keys()) {
    if (events.length >= leaseMost) break;
    const job = state.jobs.get(id);
    if (!job || !straggler(state, job, now)) continue;
    idle ??= [...state.idle.keys()].filter((one) => !picker.wants(one));
    const worker = idle.find((one) => hasRoom(state, one, used) && picker.mayCopy(job, picker.machine(one)));
    if (!worker) continue;
    used.set(worker, (used.get(worker) ?? 0) + 1);
    events.push(emit("leased@1", { job: id, worker, until: now + leaseMs, copy: true }));
  }
  return events;
}

/** Jobs of cancelled arrays, so many at a time. */
function sweep(state: Jobs): { events: Emitted[]; gone: string[] } {
  const id = state.sweeping.first();
  if (id === undefined) return { events: [], gone: [] };
  const array = state.arrays.get(id);
  const jobs: string[] = [];
  let next = -1;
  for (const [member, part] of array ? membersOf(array, state.sweeping.get(id)) : []) {
    if (jobs.length === checkMost) {
      next = part;
      break;
    }
    const job = state.jobs.get(member);
    if (job && !isEnded(job.state)) jobs.push(member);
  }
  return { events: [emit("swept@1", { array: id, jobs, next })], gone: jobs };
}

/** What time brings: leases and deadlines that ended, arrays that were cancelled, waiting jobs for idle workers, copies of stragglers. */
export function due(at: At): Decision | undefined {
  const { state, now } = at;
  // First and alone: what follows in the same record would be decided on leases that it takes back.
  const held = containing(state);
  if (held.length > 0) return { events: held };
  const swept = sweep(state);
  const check = state.check.get();
  const timely = check > 0 && check <= now;
  const looked = timely ? look(state, now) : [];
  const gone = new Set([...swept.gone, ...(timely ? expiredOf(state, now) : [])]);
  const events = [
    ...swept.events,
    ...looked,
    ...leases(at, gone),
    ...converted(at),
    ...(timely ? copies(at) : []),
    ...dueBallots(at),
  ];
  return events.length > 0 ? { events } : undefined;
}

/** The earliest time at which `due` has something to do; undefined for never. */
export function nextDue(state: Jobs): number | undefined {
  const mayLease = state.queue.size > 0 && state.idle.size > 0 && !state.halted.get();
  if (state.containing.get() > 0 || state.sweeping.size > 0 || mayLease) return 0;
  const ballot = nextBallot(state);
  const check = state.check.get() || undefined;
  return ballot === undefined || (check !== undefined && check < ballot) ? check : ballot;
}

function expiredOf({ deadlines }: Jobs, now: number): string[] {
  const ids: string[] = [];
  for (const [id, deadline] of deadlines.entries()) {
    if (deadline <= now) ids.push(id);
    if (ids.length === checkMost) break;
  }
  return ids;
}

function holdersOf(state: Jobs): Set<string> {
  const holders = new Set<string>();
  for (const workers of state.held.values()) for (const worker of workers) holders.add(worker);
  return holders;
}

function lostOf(state: Jobs, holders: ReadonlySet<string>, now: number): string[] {
  return [...holders].filter((id) => isOver(state.capacity.get(id), now)).slice(0, checkMost);
}

function pastManifests(state: Jobs, now: number): string[] {
  const hashes: string[] = [];
  for (const [hash, { until }] of state.manifests.entries()) {
    if (until > now || hashes.length === checkMost) break;
    hashes.push(hash);
  }
  return hashes;
}

function look(state: Jobs, now: number): Emitted[] {
  const expired = expiredOf(state, now);
  const holders = holdersOf(state);
  const lost = lostOf(state, holders, now);
  const manifests = pastManifests(state, now);
  const more = [expired, lost, manifests].some(({ length }) => length === checkMost);
  for (const worker of lost) holders.delete(worker);
  const next = more ? now + 1 : nextCheck(state, now, expired, holders);
  const events: Emitted[] = [emit("checked@1", { next, manifests })];
  if (expired.length > 0) events.push(emit("expired@1", { jobs: expired }));
  if (lost.length > 0) events.push(emit("lost@1", { workers: lost }));
  return events;
}

/** A straggler is looked at again so soon where nobody was free for its copy, milliseconds. */
const againMs = 1000;

function nextStraggler(state: Jobs, now: number): number {
  let next = Number.POSITIVE_INFINITY;
  for (const id of state.held.keys()) {
    const job = state.jobs.get(id);
    const [only, another] = job?.leases ?? [];
    const late = job && only && !another && !isEnded(job.state) ? straggleMs(state, job) : 0;
    if (late > 0 && only) next = Math.min(next, Math.max(only.since + late, now + againMs));
  }
  return next;
}

function nextCheck(
  state: Jobs,
  now: number,
  expired: readonly string[],
  holders: ReadonlySet<string>,
): number {
  let next = nextStraggler(state, now);
  for (const holder of holders) {
    const capacity = state.capacity.get(holder);
    if (!capacity || !lives(capacity)) next = Math.min(next, capacity?.until ?? now + leaseMs);
  }
  const gone = new Set(expired);
  for (const [id, deadline] of state.deadlines.entries()) if (!gone.has(id)) next = Math.min(next, deadline);
  if (state.manifests.size > 0) next = Math.min(next, now + 60_000);
  return next === Number.POSITIVE_INFINITY ? 0 : Math.max(next, now + 250);
}
