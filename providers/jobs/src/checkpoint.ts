import type { Deciding, Decision, Emitted } from "@skep/kernel";
import type { Checkpoint, Kept } from "./checkpoint-model.ts";
import { emit } from "./events.ts";
import { fault } from "./faults.ts";
import { isEnded, type Job, type Jobs } from "./model.ts";
import type { JobRule } from "./replicate-model.ts";
import type { Uses } from "./uses.ts";

type At = Deciding<Jobs, Uses>;

interface Asked {
  readonly checkpoint?:
    | { readonly file: string; readonly every_ms: number; readonly max_bytes: number }
    | undefined;
}

/** What a job keeps, as events tell it; nothing where it keeps nothing. */
export function checkpointOf({ checkpoint }: Asked): { readonly checkpoint?: Checkpoint } {
  if (!checkpoint) return {};
  const { file, every_ms: everyMs, max_bytes: maxBytes } = checkpoint;
  return { checkpoint: { file: file.startsWith("/") ? file : `/${file}`, everyMs, maxBytes } };
}

/**
 * Throws `jobs.checkpoint` for a job that several machines are to answer: one that goes on from what another kept takes over its
 * mistakes, so that their agreement would say nothing, and what one keeps would tell its answer before all have committed.
 */
export function checkAlone({ checkpoint }: Asked, kind: string, rule: JobRule | undefined): void {
  if (!checkpoint) return;
  if (kind !== "wasm") throw fault.checkpoint(`kind ${kind}`);
  if ((rule?.replicas ?? 1) > 1) throw fault.checkpoint(`${rule?.replicas} replicas`);
}

/** Workers' clocks are not the hive's: an interval may come out a little shorter here. */
const leeway = 0.9;

function isSoon({ kept }: Jobs, { id, run }: Job, now: number): boolean {
  const last = kept.get(id);
  return last !== undefined && now - last.at < (run.checkpoint?.everyMs ?? 0) * leeway;
}

/** What a worker kept of a job that it alone has; throws where that cannot be, and does not ask how long ago the last was. */
function keptBy(job: Job | undefined, worker: string, told: Kept, { state, views }: At): Emitted[] {
  const asked = job?.run.checkpoint;
  // Of two that have it the first one tells: the copy of a straggler would lead the job back.
  if (!job || job.worker !== worker || isEnded(job.state) || state.ballots.has(job.id))
    throw fault.holder(job?.id);
  if (!asked) throw fault.keeps(job.id);
  const { digest, bytes } = told;
  const before = state.kept.get(job.id)?.digest;
  if (before === digest) return [];
  if (views.cas.sizeFor(digest, worker) !== bytes) throw fault.output(digest);
  if (bytes > asked.maxBytes) throw fault.keeps(`${bytes} bytes, at most ${asked.maxBytes}`);
  const event = { job: job.id, worker, digest, bytes, ...(before === undefined ? {} : { before }) };
  return [emit("checkpointed@1", event)];
}

/** A worker tells what a job kept; at most once in the job's interval. */
export function checkpoint(told: Kept & { readonly job: string }, worker: string, at: At): Decision {
  const job = at.state.jobs.get(told.job);
  const events = keptBy(job, worker, told, at);
  if (job && events.length > 0 && isSoon(at.state, job, at.now)) throw fault.soon(job.id);
  return { events, result: { job: told.job, checkpoint: told.digest } };
}

/** The same with a job that goes back; what cannot be taken keeps nobody from giving a job back. */
export function keptAtReturn(told: Kept | undefined, job: Job, worker: string, at: At): Emitted[] {
  if (!told || job.worker !== worker || !job.run.checkpoint || isEnded(job.state)) return [];
  if (at.views.cas.sizeFor(told.digest, worker) !== told.bytes || told.bytes > job.run.checkpoint.maxBytes)
    return [];
  return keptBy(job, worker, told, at);
}
