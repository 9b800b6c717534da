import { isEnded, type Job } from "../state/model.ts";

/** A job in a lane, as parts of the span that is shown. */
export interface Bar {
  readonly job: Job;
  /** 0 to 1. */
  readonly from: number;
  readonly to: number;
  /** Row in its lane, from 0. */
  readonly row: number;
}

/** A machine, or the queue, with what ran there. */
export interface Lane {
  /** Empty for the queue. */
  readonly id: string;
  readonly rows: number;
  readonly bars: readonly Bar[];
}

/** What ran where and when. */
export interface Schedule {
  readonly from: number;
  readonly to: number;
  readonly lanes: readonly Lane[];
}

interface Stay {
  readonly job: Job;
  readonly lane: string;
  readonly from: number;
  readonly to: number;
}

// Waiting and running are two stays: one in the queue, one on the machine.
function* staysOf(job: Job, now: number): Generator<Stay> {
  const end = isEnded(job) ? job.ended || now : now;
  const start = job.started || end;
  if (job.submitted > 0) yield { job, lane: "", from: job.submitted, to: Math.max(job.submitted, start) };
  if (job.started > 0 && job.worker !== "")
    yield { job, lane: job.worker, from: job.started, to: Math.max(job.started, end) };
}

/** Sets stays into as few rows as they need. */
function packed(id: string, stays: readonly Stay[], from: number, span: number): Lane {
  const ends: number[] = [];
  const bars = [...stays]
    .sort((a, b) => a.from - b.from)
    .map((stay): Bar => {
      const free = ends.findIndex((end) => end <= stay.from);
      const row = free < 0 ? ends.length : free;
      ends[row] = stay.to;
      const part = (time: number) => Math.max(0, Math.min(1, (time - from) / span));
      return { job: stay.job, from: part(stay.from), to: part(stay.to), row };
    });
  return { id, rows: Math.max(1, ends.length), bars };
}

/**
 * A timeline of `span` milliseconds that ends at `now`: the queue first, then every machine of `machines` in its
 * order. Jobs that wait shorter than a hundredth of the span do not stand in the queue's lane.
 */
export function scheduleOf(
  jobs: Iterable<Job>,
  machines: readonly string[],
  now: number,
  span: number,
): Schedule {
  const from = now - span;
  const lanes = new Map<string, Stay[]>([["", []]]);
  for (const id of machines) lanes.set(id, []);
  const isShown = (stay: Stay): boolean =>
    stay.to >= from &&
    stay.from <= now &&
    (stay.lane !== "" || !isEnded(stay.job) || stay.to - stay.from >= span / 100);
  for (const job of jobs)
    for (const stay of staysOf(job, now)) {
      if (!isShown(stay)) continue;
      const lane = lanes.get(stay.lane);
      if (lane) lane.push(stay);
      else lanes.set(stay.lane, [stay]);
    }
  return { from, to: now, lanes: [...lanes].map(([id, stays]) => packed(id, stays, from, span)) };
}

const steps = [1, 5, 10, 30, 60, 300, 600, 1800, 3600, 10_800, 21_600, 86_400].map((s) => s * 1000);

/** Moments that are marked on a timeline: round ones, at most `most`. */
export function marksOf({ from, to }: Pick<Schedule, "from" | "to">, most = 6): readonly number[] {
  const step = steps.find((one) => (to - from) / one <= most) ?? 86_400_000;
  const first = Math.ceil(from / step) * step;
  return Array.from({ length: Math.floor((to - first) / step) + 1 }, (_, at) => first + at * step);
}
