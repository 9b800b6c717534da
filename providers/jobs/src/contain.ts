import type { Emitted, EventMeta, Runtime } from "@skep/kernel";
import { heldBy, isFrozen } from "./bans.ts";
import { giveBack, setIdle } from "./leases.ts";
import { isEnded, type Jobs } from "./model.ts";
import { dequeue, enqueue } from "./queue.ts";

/** What one record takes up at most of each. */
const most = 256;

type Containing = {
  readonly recalled: readonly { readonly job: string; readonly worker: string }[];
  readonly parked: readonly string[];
  readonly released: readonly string[];
  readonly more: boolean;
};

function recalledOf(jobs: Jobs): Containing["recalled"] {
  const recalled: { readonly job: string; readonly worker: string }[] = [];
  for (const [id, workers] of jobs.held.entries()) {
    const job = jobs.jobs.get(id);
    if (!job || isEnded(job.state)) continue;
    const whole = heldBy(jobs, job) !== undefined;
    for (const worker of workers) if (whole || isFrozen(jobs, worker)) recalled.push({ job: id, worker });
    if (recalled.length >= most) break;
  }
  return recalled;
}

function* queuedUnderBan(jobs: Jobs): Generator<string> {
  for (const id of jobs.queue.keys()) {
    const job = jobs.jobs.get(id);
    if (job && job.leases.length === 0 && heldBy(jobs, job)) yield id;
  }
}

function* freed(jobs: Jobs): Generator<string> {
  for (const id of jobs.parked.keys()) {
    const job = jobs.jobs.get(id);
    if (!job || isEnded(job.state) || !heldBy(jobs, job)) yield id;
  }
}

/** What a change of bans means for jobs that run, wait, or waited for its end; nothing where there was none. */
export function containing(jobs: Jobs): Emitted[] {
  if (jobs.containing.get() === 0) return [];
  const recalled = recalledOf(jobs);
  const whole = recalled.filter(({ job: id }) => {
    const job = jobs.jobs.get(id);
    return job !== undefined && heldBy(jobs, job) !== undefined;
  });
  const parked = [...new Set([...whole.map(({ job }) => job), ...queuedUnderBan(jobs).take(most)])];
  const released = [...freed(jobs).take(most)];
  const more = [recalled, parked, released].some(({ length }) => length >= most);
  return [{ type: "contained@1", data: { recalled, parked, released, more } }];
}

function release(jobs: Jobs, id: string): void {
  jobs.parked.delete(id);
  const job = jobs.jobs.get(id);
  if (job?.state === "queued" && job.needs.length === 0) enqueue(jobs, job, true);
}

function affected(jobs: Jobs, target: string): Iterable<string> {
  if (target === "drain:*") return jobs.capacity.keys();
  return /^(worker|node|drain):/.test(target) ? [target.slice(target.indexOf(":") + 1)] : [];
}

type Banned = {
  readonly ban: string;
  readonly target: string;
  readonly reason: string;
  readonly until: number;
};

export const containEvents = {
  "containment:banned@1": (
    jobs: Jobs,
    { target, ban, reason, until }: Banned,
    { subject }: EventMeta,
  ): void => {
    jobs.bans.set(target, { ban, by: subject, reason, until });
    jobs.containing.set(1);
    for (const worker of affected(jobs, target)) setIdle(jobs, worker);
  },
  "containment:lifted@1": (jobs: Jobs, { bans: ids }: { readonly bans: readonly string[] }): void => {
    for (const [target, { ban }] of [...jobs.bans.entries()]) {
      if (!ids.includes(ban)) continue;
      jobs.bans.delete(target);
      for (const worker of affected(jobs, target)) setIdle(jobs, worker);
    }
    jobs.containing.set(1);
  },
  "contained@1": (jobs: Jobs, data: Containing, { time }: EventMeta): void => {
    for (const { job, worker } of data.recalled) giveBack(jobs, job, worker, time, true);
    for (const id of data.parked) {
      dequeue(jobs, id);
      jobs.parked.set(id, 1);
    }
    // In front, the newest first: they have waited longest, in their order.
    for (const id of data.released.toReversed()) release(jobs, id);
    if (!data.more) jobs.containing.set(0);
  },
} as const;

/** Workers that lose a job are told to stop it. */
export const containNotify = {
  "contained@1": ({ recalled }: Containing, _meta: EventMeta, runtime: Runtime): void => {
    for (const { job, worker } of recalled)
      runtime
        .ring(`/worker/${worker}/inbox`, 256 * 1024)
        .append(Buffer.from(`${JSON.stringify({ cancel: job })}\n`));
  },
} as const;

/** Which files it changes. */
export const containTouches = {
  "contained@1": ({ recalled, parked, released }: Containing): string[] =>
    [...recalled.map(({ job }) => job), ...parked, ...released].map((job) => `/jobs/${job}`),
} as const;
