import { emitter, type EventMeta } from "@skep/kernel";
import {
  type Capacity,
  type End,
  forgetMost,
  type Input,
  isEnded,
  type Job,
  type Jobs,
  keepEnded,
  leaseMs,
  mostTries,
  noOutput,
  type Run,
  type State,
} from "./model.ts";

type Submitted = {
  readonly job: string;
  readonly jobId: string;
  readonly signer: string;
  readonly run: Run;
  readonly stdin: Input;
  readonly expires: number;
};
export type Leased = { readonly job: string; readonly worker: string; readonly until: number };
export type Ended = {
  readonly job: string;
  readonly worker: string;
  readonly state: "done" | "failed" | "canceled";
  readonly end: End;
};

function change(jobs: Jobs, id: string, changes: Partial<Job>): void {
  const job = jobs.jobs.get(id);
  if (job) jobs.jobs.set(id, { ...job, ...changes });
}

function free(jobs: Jobs, worker: string): void {
  const capacity = jobs.capacity.get(worker);
  if (!capacity) return;
  const used = Math.max(0, capacity.used - 1);
  jobs.capacity.set(worker, { ...capacity, used });
  if (capacity.present && capacity.paused !== true && used < capacity.slots) jobs.idle.set(worker, 1);
}

/** The owner of a machine lets nothing run there, or lets it run again. */
function pause(jobs: Jobs, worker: string, paused: boolean): void {
  const before = jobs.capacity.get(worker);
  if (!before) return;
  const { paused: _was, ...capacity } = before;
  jobs.capacity.set(worker, paused ? { ...capacity, paused: true } : capacity);
  if (paused) jobs.idle.delete(worker);
  else if (capacity.present && capacity.used < capacity.slots) jobs.idle.set(worker, 1);
}

function finish(jobs: Jobs, id: string, state: State, time: number, end: End | null): void {
  change(jobs, id, { state, endedAt: time, end });
  jobs.queue.delete(id);
  jobs.running.delete(id);
  jobs.ended.set(id, time);
}

/** The end of a job that was told only when it left state. */
export function toldEnd({ reason, message }: Told): End {
  return lostEnd(reason, message);
}

function lostEnd(reason: string, message: string): End {
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

/** A job whose worker is gone waits again, or fails once it was tried often enough. */
function giveBack(jobs: Jobs, id: string, time: number): void {
  const job = jobs.jobs.get(id);
  if (job?.state !== "running") return;
  jobs.running.delete(id);
  if (job.tried.length - job.spared >= mostTries)
    finish(jobs, id, "failed", time, lostEnd("lost", `${mostTries} workers vanished with it`));
  else {
    change(jobs, id, { state: "queued", worker: "", held: false });
    jobs.queue.set(id, time);
  }
}

function giveAllBack(jobs: Jobs, worker: string, time: number): void {
  for (const [id, holder] of [...jobs.running.entries()]) if (holder === worker) giveBack(jobs, id, time);
  const capacity = jobs.capacity.get(worker);
  if (capacity) jobs.capacity.set(worker, { ...capacity, used: 0 });
}

function watch(jobs: Jobs, time: number): void {
  const next = jobs.check.get();
  if (next === 0 || time < next) jobs.check.set(time);
}

function lease(jobs: Jobs, { job: id, worker, until }: Leased, time: number): void {
  const job = jobs.jobs.get(id);
  const capacity = jobs.capacity.get(worker);
  if (!job || !capacity) return;
  jobs.jobs.set(id, {
    ...job,
    state: "running",
    worker,
    held: true,
    leased: time,
    tried: [...job.tried, worker],
  });
  jobs.queue.delete(id);
  jobs.running.set(id, worker);
  const used = capacity.used + 1;
  jobs.capacity.set(worker, { ...capacity, used, until: Math.max(until, capacity.until) });
  // Taken out and put back at the end, so that work goes round.
  jobs.idle.delete(worker);
  if (used < capacity.slots) jobs.idle.set(worker, 1);
  watch(jobs, until);
}

/** How a job ended that no worker and no caller ended: no record of its own tells it. */
export type Told = {
  readonly state: State;
  readonly reason: string;
  readonly message: string;
  readonly at: number;
};
export type Forgotten = {
  readonly jobs: readonly string[];
  readonly told?: { readonly [job: string]: Told };
};

type JoinedElsewhere = {
  readonly worker: string;
  readonly slots: number;
  readonly ahead?: number;
  readonly kinds: readonly string[];
  readonly incarnation: string;
};

function join(jobs: Jobs, { worker, slots, ahead, kinds, incarnation }: JoinedElsewhere, time: number): void {
  const before = jobs.capacity.get(worker);
  if (before && before.incarnation !== incarnation) giveAllBack(jobs, worker, time);
  const used = jobs.capacity.get(worker)?.used ?? 0;
  const room = ahead === undefined ? { slots } : { slots, ahead };
  const capacity: Capacity = { ...room, kinds, incarnation, used, until: time + leaseMs, present: true };
  jobs.capacity.set(worker, capacity);
  if (used < slots) jobs.idle.set(worker, 1);
}

function ended(jobs: Jobs, { job: id, worker, state, end }: Ended, time: number): void {
  const job = jobs.jobs.get(id);
  if (job?.state === "canceled") change(jobs, id, { end });
  else finish(jobs, id, state, time, end);
  change(jobs, id, { held: false });
  free(jobs, worker);
}

function leave(jobs: Jobs, worker: string): Capacity | undefined {
  const capacity = jobs.capacity.get(worker);
  if (capacity) jobs.capacity.set(worker, { ...capacity, present: false });
  jobs.idle.delete(worker);
  return capacity;
}

/** A hive that starts has no sessions: nobody is present, and whoever holds work has a lease's time to come back. */
function restarted(jobs: Jobs, time: number): void {
  for (const [worker, capacity] of jobs.capacity.entries()) {
    if (!capacity.present && capacity.used === 0) continue;
    jobs.capacity.set(worker, {
      ...capacity,
      present: false,
      until: Math.max(capacity.until, time + leaseMs),
    });
    jobs.idle.delete(worker);
  }
  for (const id of jobs.running.keys()) change(jobs, id, { spared: jobs.jobs.get(id)?.tried.length ?? 0 });
  if (jobs.running.size > 0) watch(jobs, time + leaseMs);
}

export const events = {
  "submitted@1": (jobs: Jobs, data: Submitted, { time, subject }: EventMeta) => {
    const { job: id, jobId, signer, run, stdin, expires } = data;
    jobs.jobs.set(id, {
      id,
      jobId,
      owner: subject,
      signer,
      run,
      stdin,
      state: "queued",
      submitted: time,
      expires,
      worker: "",
      held: false,
      tried: [],
      spared: 0,
      leased: 0,
      endedAt: 0,
      end: null,
      late: [],
    });
    jobs.queue.set(id, time);
    if (expires > 0) {
      jobs.manifests.set(jobId, { job: id, until: expires });
      watch(jobs, expires);
    }
  },
  "leased@1": (jobs: Jobs, data: Leased, { time }: EventMeta) => lease(jobs, data, time),
  "ended@1": (jobs: Jobs, data: Ended, { time }: EventMeta) => ended(jobs, data, time),
  "late@1": (
    jobs: Jobs,
    { job: id, worker, receipt }: { job: string; worker: string; receipt: End["receipt"] },
    { time }: EventMeta,
  ) => {
    const job = jobs.jobs.get(id);
    if (job) jobs.jobs.set(id, { ...job, late: [...job.late, { worker, time, receipt }].slice(-4) });
  },
  "canceled@1": (jobs: Jobs, { job: id, by }: { job: string; by: string }, { time }: EventMeta) => {
    finish(jobs, id, "canceled", time, lostEnd("canceled", `by ${by}`));
  },
  "expired@1": (jobs: Jobs, { jobs: ids }: { jobs: readonly string[] }, { time }: EventMeta) => {
    for (const id of ids) finish(jobs, id, "expired", time, lostEnd("expired", "no worker took it in time"));
  },
  "renewed@1": (jobs: Jobs, { worker, until }: { worker: string; until: number }) => {
    const capacity = jobs.capacity.get(worker);
    if (!capacity) return;
    jobs.capacity.set(worker, { ...capacity, until, present: true });
    if (capacity.used < capacity.slots && capacity.paused !== true) jobs.idle.set(worker, 1);
  },
  "returned@1": (jobs: Jobs, { job: id, worker }: { job: string; worker: string }, { time }: EventMeta) => {
    giveBack(jobs, id, time);
    free(jobs, worker);
  },
  "unstarted@1": (jobs: Jobs, { job: id, worker }: { job: string; worker: string }, { time }: EventMeta) => {
    change(jobs, id, { spared: (jobs.jobs.get(id)?.spared ?? 0) + 1 });
    giveBack(jobs, id, time);
    free(jobs, worker);
  },
  "lost@1": (jobs: Jobs, { workers }: { workers: readonly string[] }, { time }: EventMeta) => {
    // Nothing more goes to it until it speaks again.
    for (const worker of workers) {
      giveAllBack(jobs, worker, time);
      leave(jobs, worker);
    }
  },
  "checked@1": (jobs: Jobs, { next, manifests }: { next: number; manifests: readonly string[] }) => {
    jobs.check.set(next);
    for (const hash of manifests) jobs.manifests.delete(hash);
  },
  "forgotten@1": (jobs: Jobs, { jobs: ids }: Forgotten) => {
    for (const id of ids) {
      jobs.jobs.delete(id);
      jobs.ended.delete(id);
    }
  },
  "kernel:started@1": (jobs: Jobs, _data: unknown, { time }: EventMeta) => restarted(jobs, time),
  "workers:joined@1": (jobs: Jobs, data: JoinedElsewhere, { time }: EventMeta) => join(jobs, data, time),
  "workers:owner@1": (jobs: Jobs, { worker, state }: { worker: string; state: string }) =>
    pause(jobs, worker, state !== "run"),
  "workers:left@1": (jobs: Jobs, { worker }: { worker: string }, { time }: EventMeta) => {
    const capacity = leave(jobs, worker);
    watch(jobs, Math.max(time + 1, capacity?.until ?? 0));
  },
} as const;

export const emit = emitter(events);

/** Ended jobs that no longer fit in state once one more has ended, as many as one record forgets. */
export function surplus(jobs: Jobs): string[] {
  const over = Math.min(jobs.ended.size + 1 - keepEnded, forgetMost);
  const ids: string[] = [];
  for (const id of jobs.ended.keys()) {
    if (ids.length >= over) break;
    ids.push(id);
  }
  return ids;
}

export { isEnded };
