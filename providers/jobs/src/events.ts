import { emitter, type EventMeta } from "@skep/kernel";
import { extend, memberId, memberJobId, settled } from "./arrays.ts";
import type { Kept } from "./checkpoint-model.ts";
import { containEvents } from "./contain.ts";
import {
  change,
  finish,
  giveAllBack,
  giveBack,
  lease,
  type Leased,
  leave,
  remember,
  restarted,
  setIdle,
  toldEnd,
  unlease,
  watch,
} from "./leases.ts";
import {
  anywhere,
  type Capacity,
  declinedMs,
  type End,
  forgetMost,
  type Input,
  isEnded,
  type Job,
  type Jobs,
  keepEnded,
  leaseMs,
  mostTried,
  type Run,
  type State,
  type Where,
} from "./model.ts";
import { enqueue, forgetUsage } from "./queue.ts";
import type { JobRule } from "./replicate-model.ts";
import { agreementEvents, forgetVerdict, opened } from "./replicate-state.ts";

/** What jobs that are submitted together have in common. */
type Common = {
  readonly jobId: string;
  readonly signer: string;
  readonly run: Run;
  /** Until when the hive remembers the manifest, so that it runs once; 0 without one. */
  readonly expires: number;
  readonly where?: Where;
  readonly priority?: number;
  readonly deadline?: number;
  readonly want?: number;
  readonly rule?: JobRule;
};
type Submitted = Common & {
  readonly job: string;
  readonly stdin: Input;
  readonly needs?: readonly string[];
  readonly from?: string;
};
type Arrayed = Common & {
  readonly array: string;
  readonly total: number;
  /** Place of the first of these inputs. */
  readonly first: number;
  readonly inputs: readonly Input[];
};
export type Ended = {
  readonly job: string;
  readonly worker: string;
  readonly state: "done" | "failed" | "canceled";
  readonly end: End;
};
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
  readonly beats?: true;
};
export type { Leased };

function made(common: Common, meta: EventMeta): Omit<Job, "id"> {
  const { jobId, signer, run, where = anywhere, priority = 0, deadline = 0, rule } = common;
  const { want = rule?.replicas ?? 1 } = common;
  return {
    jobId,
    owner: meta.subject,
    signer,
    run,
    stdin: { bytes: 0, inline: "" },
    state: "queued",
    submitted: meta.time,
    deadline,
    priority,
    where,
    needs: [],
    dependents: [],
    from: "",
    array: "",
    index: 0,
    want,
    ...(rule ? { rule } : {}),
    worker: "",
    leases: [],
    tried: [],
    tries: 0,
    losses: 0,
    declined: [],
    spared: 0,
    leased: 0,
    endedAt: 0,
    end: null,
    late: [],
  };
}

function add(jobs: Jobs, job: Job): void {
  jobs.jobs.set(job.id, job);
  opened(jobs, job);
  if (job.deadline > 0) {
    jobs.deadlines.set(job.id, job.deadline);
    watch(jobs, job.deadline);
  }
  if (job.needs.length === 0) enqueue(jobs, job);
  for (const need of job.needs)
    change(jobs, need, { dependents: [...(jobs.jobs.get(need)?.dependents ?? []), job.id] });
}

function keepManifest(jobs: Jobs, { jobId, expires }: Common, job: string): void {
  if (expires === 0) return;
  jobs.manifests.set(jobId, { job, until: expires });
  watch(jobs, expires);
}

function arrayed(jobs: Jobs, data: Arrayed, meta: EventMeta): void {
  const { array, total, first, inputs, jobId, run } = data;
  const record = String(meta.seq);
  const common = made(data, meta);
  extend(
    jobs,
    { id: array, owner: meta.subject, run, total, record, first, count: inputs.length },
    meta.time,
  );
  for (const [at, stdin] of inputs.entries()) {
    const index = first + at;
    add(jobs, {
      ...common,
      id: memberId(record, at),
      jobId: memberJobId(jobId, index),
      stdin,
      array,
      index,
    });
  }
  keepManifest(jobs, data, array);
}

function join(jobs: Jobs, data: JoinedElsewhere, time: number): void {
  const { worker, slots, ahead, kinds, incarnation, beats } = data;
  const before = jobs.capacity.get(worker);
  if (before && before.incarnation !== incarnation) giveAllBack(jobs, worker, time);
  // The same process comes back to the same owner; a new one tells what its owner says, if anything.
  const same = before?.incarnation === incarnation && before.paused === true;
  const paused = same ? { paused: true as const } : {};
  const used = jobs.capacity.get(worker)?.used ?? 0;
  const room = ahead === undefined ? { slots } : { slots, ahead };
  const capacity: Capacity = {
    ...room,
    kinds,
    incarnation,
    used,
    until: time + leaseMs,
    present: true,
    ...(beats ? { beats } : {}),
    ...paused,
  };
  jobs.capacity.set(worker, capacity);
  setIdle(jobs, worker);
}

function ended(jobs: Jobs, { job: id, worker, state, end }: Ended, time: number): void {
  const job = jobs.jobs.get(id);
  if (job && state === "done") remember(jobs, job, worker, time);
  if (job?.state === "canceled") change(jobs, id, { end });
  else finish(jobs, id, state, time, end);
  change(jobs, id, { worker });
  unlease(jobs, id, worker, time);
}

type Returned = { readonly job: string; readonly worker: string; readonly reason?: string };

function renewed(jobs: Jobs, { worker, until }: { worker: string; until: number }): void {
  const capacity = jobs.capacity.get(worker);
  if (!capacity) return;
  jobs.capacity.set(worker, { ...capacity, until, present: true });
  setIdle(jobs, worker);
}

/** The owner of a machine lets nothing run there, or lets it run again. */
function pause(jobs: Jobs, worker: string, paused: boolean): void {
  const before = jobs.capacity.get(worker);
  if (!before) return;
  const { paused: _was, ...capacity } = before;
  jobs.capacity.set(worker, paused ? { ...capacity, paused: true } : capacity);
  setIdle(jobs, worker);
}

export const events = {
  ...agreementEvents,
  ...containEvents,
  "submitted@1": (jobs: Jobs, data: Submitted, meta: EventMeta) => {
    const { job: id, stdin, needs = [], from = "" } = data;
    add(jobs, { ...made(data, meta), id, stdin, needs, from });
    keepManifest(jobs, data, id);
  },
  "arrayed@1": arrayed,
  "leased@1": (jobs: Jobs, data: Leased, { time }: EventMeta) => lease(jobs, data, time),
  "ended@1": (jobs: Jobs, data: Ended, { time }: EventMeta) => ended(jobs, data, time),
  "checkpointed@1": (
    { kept }: Jobs,
    {
      job,
      worker,
      digest,
      bytes,
    }: Kept & { readonly job: string; readonly worker: string; readonly before?: string },
    { time }: EventMeta,
  ) => kept.set(job, { digest, bytes, at: time, worker }),
  "late@1": (
    jobs: Jobs,
    { job: id, worker, receipt }: { job: string; worker: string; receipt: End["receipt"] },
    { time }: EventMeta,
  ) => {
    unlease(jobs, id, worker, time);
    const job = jobs.jobs.get(id);
    if (job) jobs.jobs.set(id, { ...job, late: [...job.late, { worker, time, receipt }].slice(-4) });
  },
  "canceled@1": (jobs: Jobs, { job: id, by }: { job: string; by: string }, { time }: EventMeta) => {
    finish(jobs, id, "canceled", time, toldEnd("canceled", `by ${by}`));
  },
  "array-canceled@1": (jobs: Jobs, { array: id, by }: { array: string; by: string }) => {
    const array = jobs.arrays.get(id);
    if (!array) return;
    jobs.arrays.set(id, { ...array, canceled: by });
    jobs.sweeping.set(id, 0);
  },
  "swept@1": (
    jobs: Jobs,
    { array: id, jobs: ids, next }: { array: string; jobs: readonly string[]; next: number },
    { time }: EventMeta,
  ) => {
    const by = jobs.arrays.get(id)?.canceled ?? "";
    for (const job of ids) finish(jobs, job, "canceled", time, toldEnd("canceled", `by ${by}`));
    if (next >= 0) {
      jobs.sweeping.set(id, next);
      return;
    }
    jobs.sweeping.delete(id);
    const array = jobs.arrays.get(id);
    if (array) jobs.arrays.set(id, settled(array, time));
  },
  "expired@1": (jobs: Jobs, { jobs: ids }: { jobs: readonly string[] }, { time }: EventMeta) => {
    for (const id of ids) {
      const before = jobs.jobs.get(id)?.state === "running" ? "while it ran" : "before a machine was free";
      finish(jobs, id, "expired", time, toldEnd("deadline", `its deadline passed ${before}`));
    }
  },
  "renewed@1": (jobs: Jobs, data: { worker: string; until: number }) => renewed(jobs, data),
  "returned@1": (jobs: Jobs, { job: id, worker }: Returned, { time }: EventMeta) =>
    giveBack(jobs, id, worker, time, false),
  "unstarted@1": (jobs: Jobs, { job: id, worker, reason }: Returned, { time }: EventMeta) => {
    // What the owner of a machine does is never held against a job, however often.
    const job = jobs.jobs.get(id);
    if (job && reason === undefined) change(jobs, id, { spared: job.spared + 1 });
    // A machine that is paused gets nothing as it is, and may have it again when its owner is gone.
    else if (job && jobs.capacity.get(worker)?.paused !== true) {
      const declined = [...job.declined, { worker, until: time + declinedMs }].slice(-mostTried);
      change(jobs, id, { declined });
    }
    giveBack(jobs, id, worker, time, true);
  },
  "lost@1": (jobs: Jobs, { workers }: { workers: readonly string[] }, { time }: EventMeta) => {
    // Nothing more goes to it until it speaks again.
    for (const worker of workers) {
      giveAllBack(jobs, worker, time);
      leave(jobs, worker, time);
    }
  },
  "checked@1": (
    jobs: Jobs,
    { next, manifests }: { next: number; manifests: readonly string[] },
    { time }: EventMeta,
  ) => {
    jobs.check.set(next);
    for (const hash of manifests) jobs.manifests.delete(hash);
    forgetUsage(jobs, time);
  },
  "forgotten@1": (jobs: Jobs, { jobs: ids }: Forgotten) => {
    for (const id of ids) {
      jobs.jobs.delete(id);
      jobs.ended.delete(id);
      jobs.kept.delete(id);
      forgetVerdict(jobs, id);
    }
  },
  "policy:retained@1": ({ keepEndedMs }: Jobs, { jobsAge }: { jobsAge: number }) => keepEndedMs.set(jobsAge),
  "kernel:lifecycle@1": ({ halted }: Jobs, { state }: { state: string }) => {
    const stands = state !== "ONLINE" && state !== "DEGRADED";
    if (stands !== halted.get()) halted.set(stands);
  },
  "kernel:started@1": (jobs: Jobs, _data: unknown, { time }: EventMeta) => restarted(jobs, time),
  "workers:joined@1": (jobs: Jobs, data: JoinedElsewhere, { time }: EventMeta) => join(jobs, data, time),
  "workers:owner@1": (jobs: Jobs, { worker, state }: { worker: string; state: string }) =>
    pause(jobs, worker, state !== "run"),
  "workers:left@1": (jobs: Jobs, { worker }: { worker: string }, { time }: EventMeta) => {
    const capacity = leave(jobs, worker, time);
    watch(jobs, Math.max(time + 1, capacity?.until ?? 0));
  },
} as const;

export const emit = emitter(events);

/** Ended jobs that no longer fit in state once one more has ended, as many as one record forgets. */
export function surplus(jobs: Jobs): string[] {
  const over = Math.min(jobs.ended.size + 1 - keepEnded, forgetMost);
  const ids: string[] = [];
  if (over <= 0) return ids;
  for (const id of jobs.ended.keys()) {
    if (ids.length >= over) break;
    if (!jobs.held.has(id)) ids.push(id);
  }
  return ids;
}

export { isEnded, toldEnd };
