import { escapeForeign, printJson } from "@skep/text";
import type { Json } from "@skep/kernel";
import { isEnded, type Job, type Jobs, noOutput } from "./model.ts";

// A worker tells reason and message: neither steers a terminal nor makes a line of its own.
const clean = (value: Json): string => escapeForeign(String(value), { form: "wire" });

/** `status` of a job: one `name=value` a line. */
export function statusText(job: Job): string {
  return Object.entries(statusJson(job))
    .map(([name, value]) => `${name}=${clean(value ?? "")}\n`)
    .join("");
}

/** The same as JSON values. */
export function statusJson(job: Job): Record<string, Json> {
  const { id, state, owner, worker, end, submitted, leased, endedAt, jobId, tried, late } = job;
  return {
    job: id,
    state,
    exit: end?.exit ?? null,
    reason: end?.reason ?? null,
    message: end?.message ?? null,
    verified: end ? (end.verified ? "yes" : "unverified") : null,
    owner,
    worker: worker || null,
    tries: tried.length,
    late_receipts: late.length,
    stdout_bytes: end?.stdout.bytes ?? null,
    stderr_bytes: end?.stderr.bytes ?? null,
    submitted_ms: submitted,
    started_ms: leased || null,
    ended_ms: endedAt || null,
    job_id: jobId,
  };
}

/** `result` of a job that ended: its status with output that rode inline and the receipt. */
export function resultLine(job: Job): Buffer {
  const { stdout, stderr, receipt } = job.end ?? { stdout: noOutput, stderr: noOutput, receipt: null };
  return Buffer.from(`${printJson({ ...statusJson(job), stdout, stderr, receipt })}\n`);
}

/** `spec` of a job: what it was asked to run. */
export function specJson({ id, jobId, signer, run, stdin }: Job): Json {
  const { bytes, digest } = stdin;
  return {
    job: id,
    job_id: jobId,
    signer,
    ...run,
    stdin: { bytes, ...(digest === undefined ? {} : { digest }) },
  };
}

function waiting(job: Job, state: Jobs): string {
  const present = [...state.capacity.values()].filter((worker) => worker.present);
  const fitting = present.filter((worker) => worker.kinds.includes(job.run.kind));
  if (present.length === 0) return "no worker is present; start one with `skep worker`";
  if (fitting.length === 0) return `no present worker takes ${job.run.kind} jobs`;
  const lent = fitting.filter((worker) => worker.paused !== true);
  if (lent.length === 0)
    return `the owners of all ${fitting.length} workers need their machines; \`skep nodes\` and /worker/<id>/owner tell why`;
  const slots = fitting.reduce((sum, worker) => sum + worker.slots, 0);
  return `all ${slots} slots of ${fitting.length} workers are busy`;
}

/** `why` of a job: one line. */
export function whyText(job: Job, state: Jobs): string {
  const { end, worker, tried } = job;
  if (job.state === "queued") return `queued: ${waiting(job, state)}\n`;
  const again = tried.length > 1 ? `, try ${tried.length}` : "";
  if (job.state === "running") return `running: ${worker} was idle longest${again}\n`;
  const told = end?.message ? `: ${clean(end.message)}` : "";
  return `${job.state}: ${clean(end?.reason ?? "unknown")}${told}${isEnded(job.state) && end?.exit ? ` (exit ${end.exit})` : ""}\n`;
}

/** The line in a worker's inbox that gives it a job. */
export function leaseLine(job: Job, until: number): string {
  const { id, jobId, owner, run, stdin, tried, submitted } = job;
  return `${printJson({ job: id, job_id: jobId, owner, ...run, stdin, try: tried.length, start_ms: submitted, until })}\n`;
}
