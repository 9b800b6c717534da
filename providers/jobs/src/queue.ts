import { type Job, type Jobs, turnsOfAge } from "./model.ts";

/** Times that jobs ask for are told apart by their power of two, seconds; all below one are alike. */
function sizeOf({ run }: Job): number {
  return 32 - Math.clz32(Math.max(0, Math.ceil(run.limits.wallMs / 1000) - 1));
}

/** Jobs that are alike for placement wait in one lane: whoever looks for work looks at the first of each. */
export function laneOf(job: Job): string {
  const { owner, run, priority, where, want } = job;
  const { labels, arch, memoryBytes, classes, data } = where;
  return JSON.stringify([
    owner,
    run.kind,
    priority,
    sizeOf(job),
    want,
    labels,
    arch,
    memoryBytes,
    classes,
    data,
    ...(run.checkpoint ? ["keeps"] : []),
  ]);
}

/** Longest life of the jobs of a lane, milliseconds. */
export function sizeMs(job: Job): number {
  return 1000 * 2 ** sizeOf(job);
}

/** Puts a job at the end of its lane; in front where it was given back, because it waits longest. */
export function enqueue(jobs: Jobs, job: Job, front = false): void {
  if (jobs.queue.has(job.id)) return;
  const key = laneOf(job);
  const lane = jobs.lanes.get(key);
  if (!lane) {
    jobs.queue.set(job.id, { lane: key, before: "", after: "" });
    jobs.lanes.set(key, { first: job.id, last: job.id, count: 1 });
    return;
  }
  const { first, last, count } = lane;
  const neighbour = front ? first : last;
  const beside = jobs.queue.get(neighbour);
  if (beside) jobs.queue.set(neighbour, { ...beside, [front ? "before" : "after"]: job.id });
  jobs.queue.set(job.id, { lane: key, before: front ? "" : last, after: front ? first : "" });
  jobs.lanes.set(key, { first: front ? job.id : first, last: front ? last : job.id, count: count + 1 });
}

/** Takes a job out of its lane, wherever it stands. */
export function dequeue(jobs: Jobs, id: string): void {
  const found = jobs.queue.get(id);
  if (!found) return;
  const { lane: key, before, after } = found;
  const lane = jobs.lanes.get(key);
  jobs.queue.delete(id);
  if (!lane || lane.count === 1) {
    jobs.lanes.delete(key);
    return;
  }
  const one = jobs.queue.get(before);
  if (one) jobs.queue.set(before, { ...one, after });
  const other = jobs.queue.get(after);
  if (other) jobs.queue.set(after, { ...other, before });
  const first = before === "" ? after : lane.first;
  jobs.lanes.set(key, { first, last: after === "" ? before : lane.last, count: lane.count - 1 });
}

const day = 24 * 3_600_000;

/** An owner's account moves on to the day of `time`. */
function moved(usage: { running: number; since: number; today: number; yesterday: number }, time: number) {
  const days = Math.floor((time - usage.since) / day);
  if (days <= 0) return usage;
  return { ...usage, since: usage.since + days * day, today: 0, yesterday: days === 1 ? usage.today : 0 };
}

/** One more or one less lease of an owner, and the time that the one that ended took. */
export function account(jobs: Jobs, owner: string, change: 1 | -1, time: number, ms: number): void {
  const before = jobs.usage.get(owner) ?? { running: 0, since: time, today: 0, yesterday: 0 };
  const usage = moved(before, time);
  const running = Math.max(0, usage.running + change);
  jobs.usage.set(owner, { ...usage, running, today: usage.today + Math.max(0, ms) });
}

/** Slot time of an owner in the 24 hours before `now`, milliseconds: yesterday's counts by the part of it that is in them. */
export function recentMs({ usage }: Jobs, owner: string, now: number): number {
  const found = usage.get(owner);
  if (!found) return 0;
  const { since, today, yesterday } = moved(found, now);
  return today + yesterday * (1 - Math.min(1, Math.max(0, (now - since) / day)));
}

/** Forgets owners that use nothing and used nothing for two days. */
export function forgetUsage({ usage }: Jobs, time: number): void {
  for (const [owner, { running, since }] of [...usage.entries()])
    if (running === 0 && time - since >= 2 * day) usage.delete(owner);
}

/** One more lease was given. */
export function turned({ turn }: Jobs): void {
  turn.set((turn.get() + 1) % turnsOfAge);
}
