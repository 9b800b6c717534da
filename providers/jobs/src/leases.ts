import {
  type Capacity,
  type End,
  isEnded,
  type Job,
  type Jobs,
  type Lease,
  leaseMs,
  mostModules,
  mostTimes,
  mostTried,
  mostTries,
  noOutput,
  type State,
} from "./model.ts";
import { tally } from "./arrays.ts";
import { isBarred } from "./bans.ts";
import { account, dequeue, enqueue, turned } from "./queue.ts";

export type Leased = {
  readonly job: string;
  readonly worker: string;
  readonly until: number;
  /** A second one of a job that takes much longer than its module does. */
  readonly copy?: true;
};

export function change(jobs: Jobs, id: string, changes: Partial<Job>): void {
  const job = jobs.jobs.get(id);
  if (job) jobs.jobs.set(id, { ...job, ...changes });
}

/** The end of a job that no worker told. */
export function toldEnd(reason: string, message: string): End {
  return {
    reason,
    exit: null,
    message,
    stdout: noOutput,
    stderr: noOutput,
    receipt: null,
    verified: false,
    peakBytes: 0,
  };
}

/** Time is looked at then at the latest. */
export function watch(jobs: Jobs, time: number): void {
  const next = jobs.check.get();
  if (next === 0 || time < next) jobs.check.set(time);
}

export function setIdle(jobs: Jobs, worker: string): void {
  const capacity = jobs.capacity.get(worker);
  const idle = capacity?.present && capacity.paused !== true && capacity.used < capacity.slots;
  if (idle && !isBarred(jobs, worker)) jobs.idle.set(worker, 1);
  else jobs.idle.delete(worker);
}

/** What a job that one machine answers goes on from. */
function fromOf({ kept, ballots }: Jobs, id: string): Pick<Lease, "from"> {
  const last = kept.get(id);
  return last && !ballots.has(id) ? { from: { digest: last.digest, bytes: last.bytes } } : {};
}

/** What a lease begins: its slot, its try, its place in the queue. */
export function lease(jobs: Jobs, { job: id, worker, until, copy }: Leased, time: number): void {
  const job = jobs.jobs.get(id);
  const capacity = jobs.capacity.get(worker);
  if (!job || !capacity) return;
  const tries = job.tries + 1;
  const given: Lease = {
    ...{ worker, try: tries, since: time },
    ...(copy ? { spared: true } : {}),
    ...fromOf(jobs, id),
  };
  const leases = [...job.leases, given];
  const alone = leases.length === 1;
  jobs.jobs.set(id, {
    ...job,
    state: "running",
    worker: alone ? worker : job.worker,
    leases,
    leased: alone ? time : job.leased,
    tries,
    tried: [...job.tried, worker].slice(-mostTried),
  });
  if (alone) tally(jobs, job, "running", time);
  if (leases.length >= job.want) dequeue(jobs, id);
  const holders = leases.map((one) => one.worker);
  jobs.held.set(id, holders);
  const used = capacity.used + 1;
  jobs.capacity.set(worker, { ...capacity, used, until: Math.max(until, capacity.until) });
  // Taken out and put back at the end, so that work goes round.
  jobs.idle.delete(worker);
  if (used < capacity.slots && capacity.paused !== true) jobs.idle.set(worker, 1);
  account(jobs, job.owner, 1, time, 0);
  turned(jobs);
  if (!lives(capacity)) watch(jobs, until);
  const straggles = straggleMs(jobs, job);
  if (straggles > 0 && !copy) watch(jobs, time + straggles);
}

/** A worker no longer has a job: its slot is free. False when it had not. */
export function unlease(jobs: Jobs, id: string, worker: string, time: number): Lease | undefined {
  const job = jobs.jobs.get(id);
  const found = job?.leases.find((one) => one.worker === worker);
  if (!job || !found) return undefined;
  const leases = job.leases.filter((one) => one !== found);
  const [first] = leases;
  const moved = first && !isEnded(job.state) ? { worker: first.worker, leased: first.since } : {};
  jobs.jobs.set(id, { ...job, leases, ...moved });
  if (first)
    jobs.held.set(
      id,
      leases.map((one) => one.worker),
    );
  else jobs.held.delete(id);
  const capacity = jobs.capacity.get(worker);
  if (capacity) jobs.capacity.set(worker, { ...capacity, used: Math.max(0, capacity.used - 1) });
  setIdle(jobs, worker);
  account(jobs, job.owner, -1, time, time - found.since);
  return found;
}

/** A job has ended; whoever still has it does until it says that it stopped. */
export function finish(jobs: Jobs, id: string, state: State, time: number, end: End | null): void {
  const job = jobs.jobs.get(id);
  if (!job || isEnded(job.state)) return;
  jobs.jobs.set(id, { ...job, state, endedAt: time, end, needs: [] });
  tally(jobs, job, state, time);
  dequeue(jobs, id);
  jobs.ballots.delete(id);
  jobs.deadlines.delete(id);
  jobs.ended.set(id, time);
  release(jobs, job, state === "done" ? end : null, time);
}

/** Those that waited for a job may start, or end with it where it did not end well. */
function release(jobs: Jobs, { id, dependents }: Job, end: End | null, time: number): void {
  for (const name of dependents) {
    const job = jobs.jobs.get(name);
    if (!job || isEnded(job.state)) continue;
    if (end) start(jobs, job, id, end);
    else finish(jobs, name, "failed", time, toldEnd("needs", `job ${id} did not end well`));
  }
}

function start(jobs: Jobs, job: Job, need: string, { stdout }: End): void {
  const needs = job.needs.filter((one) => one !== need);
  const ready = { ...job, needs, ...(job.from === need ? { stdin: stdout } : {}) };
  jobs.jobs.set(job.id, ready);
  if (needs.length === 0) enqueue(jobs, ready);
}

/** A job that a worker has no more waits again, or fails once it was lost often enough. */
export function giveBack(jobs: Jobs, id: string, worker: string, time: number, spare: boolean): void {
  const lost = unlease(jobs, id, worker, time);
  const job = jobs.jobs.get(id);
  if (!lost || !job || isEnded(job.state)) return;
  const losses = job.losses + (spare || lost.spared ? 0 : 1);
  const waits = {
    ...job,
    losses,
    ...(job.leases.length === 0 ? { state: "queued", worker: "" } : {}),
  } as Job;
  jobs.jobs.set(id, waits);
  tally(jobs, job, waits.state, time);
  if (losses < mostTries * (jobs.ballots.get(id)?.rule.replicas ?? 1)) {
    if (job.leases.length < job.want) enqueue(jobs, waits, true);
  } else if (job.leases.length === 0)
    finish(jobs, id, "failed", time, toldEnd("lost", `${mostTries} workers vanished with it`));
}

/** All that a worker had. */
export function giveAllBack(jobs: Jobs, worker: string, time: number): void {
  for (const [id, holders] of [...jobs.held.entries()])
    if (holders.includes(worker)) giveBack(jobs, id, worker, time, false);
  const capacity = jobs.capacity.get(worker);
  if (capacity) jobs.capacity.set(worker, { ...capacity, used: 0 });
}

/** How long a module takes, for telling who straggles; of runs that ended well. */
export function remember({ took }: Jobs, { run, leases }: Job, worker: string, time: number): void {
  const since = leases.find((one) => one.worker === worker)?.since;
  if (since === undefined || run.kind !== "wasm") return;
  const before = took.get(run.what);
  if (!before && took.size >= mostModules) took.delete(took.first() ?? "");
  took.set(run.what, [...(before ?? []), time - since].slice(-mostTimes));
}

/** Times that have to be known of a module before one of its jobs straggles. */
const leastTimes = 5;
/** Multiple of the median beyond which a job straggles, and the shortest such time, milliseconds. */
const straggles = { times: 3, least: 1000 } as const;

/** Age of a lease from which its job straggles, milliseconds; 0 where that is not known. */
export function straggleMs({ took }: Jobs, { run, want }: Job): number {
  const times = took.get(run.what);
  if (!times || times.length < leastTimes || want > 1) return 0;
  const median = times.toSorted((one, other) => one - other)[times.length >> 1] ?? 0;
  return Math.max(straggles.least, median * straggles.times);
}

/** Whether leases of a worker live as long as its session does. */
export const lives = ({ present, beats }: Capacity): boolean => present && beats === true;

/** Whether the leases of a worker have ended. */
export function isOver(capacity: Capacity | undefined, now: number): boolean {
  return capacity === undefined || (!lives(capacity) && capacity.until <= now);
}

/** A worker is gone, or has nothing to do with us for a while. */
export function leave(jobs: Jobs, worker: string, time: number): Capacity | undefined {
  const before = jobs.capacity.get(worker);
  jobs.idle.delete(worker);
  if (!before) return undefined;
  const until = lives(before) ? time + leaseMs : before.until;
  const capacity = { ...before, until, present: false };
  jobs.capacity.set(worker, capacity);
  return capacity;
}

/** A hive that starts has no sessions: nobody is present, and whoever holds work has a lease's time to come back. */
export function restarted(jobs: Jobs, time: number): void {
  for (const [worker, capacity] of jobs.capacity.entries()) {
    if (!capacity.present && capacity.used === 0) continue;
    jobs.capacity.set(worker, {
      ...capacity,
      present: false,
      until: Math.max(capacity.until, time + leaseMs),
    });
    jobs.idle.delete(worker);
  }
  for (const id of jobs.held.keys()) {
    const job = jobs.jobs.get(id);
    const leases = job?.leases.map((one) => ({ ...one, spared: true as const }));
    if (leases) change(jobs, id, { leases, losses: 0 });
  }
  if (jobs.held.size > 0) watch(jobs, time + leaseMs);
}
