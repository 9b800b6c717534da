import { printJson } from "@skep/text";
import type { Json } from "@skep/kernel";
import { type Job, type Jobs, noOutput } from "./model.ts";
import { termsOf } from "./replicate-render.ts";
import { type At, clean, waitOf } from "./wait.ts";

/** `status` of a job: one `name=value` a line. */
export function statusText(job: Job, at: At): string {
  return textOf(statusJson(job, at));
}

/** Values as lines. */
export function textOf(values: Readonly<Record<string, Json>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${clean(value ?? "")}\n`)
    .join("");
}

/** What is told of a job only where it is not as always. */
function unusual(job: Job, at: At | undefined): Record<string, Json> {
  const { priority, deadline, array, index } = job;
  const wait = at ? waitOf(job, at) : "";
  const kept = at?.state.kept.get(job.id);
  return {
    ...(wait === "" ? {} : { wait }),
    ...(priority === 0 ? {} : { priority }),
    ...(deadline === 0 ? {} : { deadline_ms: deadline }),
    ...(array === "" ? {} : { array, index }),
    ...(kept ? { checkpoint: kept.digest, checkpoint_bytes: kept.bytes, checkpoint_ms: kept.at } : {}),
  };
}

// What no worker ended has no receipt, and so nothing that could be verified.
function verdictOf(end: Job["end"]): string | null {
  if (!end || (end.receipt === null && end.reason !== "exit")) return null;
  return end.verified ? "yes" : "unverified";
}

/** The same as JSON values. */
export function statusJson(job: Job, at?: At): Record<string, Json> {
  const { id, state, owner, worker, end, submitted, leased, endedAt, jobId, tries, late } = job;
  return {
    job: id,
    state,
    exit: end?.exit ?? null,
    reason: end?.reason ?? null,
    message: end?.message ?? null,
    verified: verdictOf(end),
    owner,
    worker: worker || null,
    tries,
    late_receipts: late.length,
    stdout_bytes: end?.stdout.bytes ?? null,
    stderr_bytes: end?.stderr.bytes ?? null,
    submitted_ms: submitted,
    started_ms: leased || null,
    ended_ms: endedAt || null,
    job_id: jobId,
    ...unusual(job, at),
  };
}

/** `result` of a job that ended: its status with output that rode inline and the receipt. */
export function resultLine(job: Job): Buffer {
  const { stdout, stderr, receipt } = job.end ?? { stdout: noOutput, stderr: noOutput, receipt: null };
  return Buffer.from(`${printJson({ ...statusJson(job), stdout, stderr, receipt })}\n`);
}

/** `spec` of a job: what it was asked to run. */
export function specJson({ id, jobId, signer, run, stdin, where, needs, from }: Job): Json {
  const { bytes, digest } = stdin;
  const { memoryBytes, ...wanted } = where;
  return {
    job: id,
    job_id: jobId,
    signer,
    ...run,
    stdin: { bytes, ...(digest === undefined ? {} : { digest }), ...(from === "" ? {} : { job: from }) },
    where: { ...wanted, memory_bytes: memoryBytes },
    ...(needs.length > 0 ? { needs } : {}),
  };
}

/** `why` of a job: one line. */
export function whyText(job: Job, at: At): string {
  const { end, worker, tries, leases } = job;
  const wait = waitOf(job, at);
  if (job.state === "queued") return `waiting: ${wait}\n`;
  const again = tries > 1 ? `, try ${tries}` : "";
  const copies = leases.length > 1 ? `, and ${leases.length - 1} more` : "";
  if (job.state === "running" && wait !== "") return `running, and waiting: ${wait}\n`;
  if (job.state === "running" && leases.length === 0)
    return "running: all machines have committed to an answer, and tell it now\n";
  if (job.state === "running")
    return `running: ${worker} was idle longest of those that may have it${copies}${again}\n`;
  const told = end?.message ? `: ${clean(end.message)}` : "";
  const reason = end?.reason === job.state ? "" : `: ${clean(end?.reason ?? "unknown")}`;
  return `${job.state}${reason}${told}${end?.exit ? ` (exit ${end.exit})` : ""}\n`;
}

/** The line in a worker's inbox that gives it a job. */
export function leaseLine(job: Job, worker: string, until: number, state: Jobs): string {
  const { id, jobId, owner, run, stdin, tries, submitted, leases } = job;
  const own = leases.find((one) => one.worker === worker);
  const number = own?.try ?? tries;
  const resume = own?.from ? { resume: own.from } : {};
  return `${printJson({ job: id, job_id: jobId, owner, ...run, stdin, try: number, start_ms: submitted, until, ...resume, ...termsOf(state, job, worker) })}\n`;
}
