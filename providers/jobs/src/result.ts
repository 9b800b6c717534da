import { isOutputOf, type SignedReceipt, verifyReceipt } from "@skep/receipt";
import type { Deciding, Decision, Emitted } from "@skep/kernel";
import { keptAtReturn } from "./checkpoint.ts";
import { emit, surplus } from "./events.ts";
import { fault } from "./faults.ts";
import { forgetting } from "./forget.ts";
import { type End, isEnded, type Job, type Jobs, type Lease, mostSpared, type Output } from "./model.ts";
import { acceptedAlone, doneSeat } from "./replicate.ts";
import { nextLeases } from "./schedule.ts";
import type { ResultCommand } from "./schema.ts";
import type { Uses } from "./uses.ts";

type Done = Extract<ResultCommand, { op: "done" }>;
type Return = Extract<ResultCommand, { op: "return" }>;
type At = Deciding<Jobs, Uses>;

function outputOf(given: Done["stdout"], at: At): Output {
  const { views, caller } = at;
  if (given.digest !== undefined) {
    const bytes = views.cas.sizeFor(given.digest, caller.subject);
    if (bytes === undefined || bytes !== given.bytes) throw fault.output(given.digest);
    return { bytes, digest: given.digest };
  }
  const bytes = Buffer.from(given.inline ?? "", "base64").length;
  return { bytes, inline: given.inline ?? "" };
}

function bytesOf(output: Output): Uint8Array | undefined {
  return output.inline === undefined ? undefined : Buffer.from(output.inline, "base64");
}

/** The receipt says the same as the result that came with it. */
function agrees(receipt: SignedReceipt, command: Done, job: Job, stdout: Output, stderr: Output): boolean {
  const { extra } = receipt.result.metrics;
  if (extra.module_hash !== `sha256:${job.run.what}`) return false;
  if (command.reason === "exit" && extra.exit_code !== String(command.exit)) return false;
  const out = bytesOf(stdout);
  const err = bytesOf(stderr);
  return out === undefined || err === undefined || isOutputOf(receipt.result, { stdout: out, stderr: err });
}

/** The receipt names what the job went on from, and nothing where it began anew. */
function beganFrom({ result }: SignedReceipt, { from }: Lease): boolean {
  return result.metrics.extra.checkpoint === (from && `sha256:${from.digest}`);
}

function checkReceipt(
  command: Done,
  job: Job,
  key: string,
  [stdout, stderr]: readonly [Output, Output],
  worker: string,
): boolean {
  if (command.receipt === undefined) {
    if (key !== "") throw fault.unsigned(job.id);
    return false;
  }
  if (key === "") throw fault.receipt("the worker has no known key");
  const verdict = verifyReceipt(command.receipt, key, { jobId: job.jobId });
  if (!verdict.ok) throw fault.receipt(`${verdict.failed}: ${verdict.why}`);
  const lease = job.leases.find((one) => one.worker === worker);
  if (lease && !beganFrom(verdict.receipt, lease)) throw fault.receipt("it tells another beginning");
  if (!agrees(verdict.receipt, command, job, stdout, stderr)) throw fault.receipt("it tells another result");
  return true;
}

function endState(command: Done, job: Job): "done" | "failed" | "canceled" {
  if (job.state === "canceled" || command.reason === "canceled") return "canceled";
  return command.reason === "exit" && command.exit === 0 ? "done" : "failed";
}

/** A result of a worker that has the job no more, or of the second of two; undefined for one that counts. */
function lateOf(job: Job, worker: string, receipt: End["receipt"], at: At): Decision | undefined {
  const holds = job.leases.some((one) => one.worker === worker);
  if (holds && (!isEnded(job.state) || job.state === "canceled")) return undefined;
  const again = job.late.some((late) => late.worker === worker);
  if (!holds && (again || (isEnded(job.state) && job.worker === worker))) throw fault.told(job.id);
  const next = holds ? nextLeases(at, worker, job) : [];
  return {
    events: [emit("late@1", { job: job.id, worker, receipt }), ...next],
    result: { job: job.id, late: true },
  };
}

/** A worker tells how a job ended. */
export function done(command: Done, worker: string, at: At): Decision {
  const { state, views } = at;
  const job = state.jobs.get(command.job);
  if (!job?.tried.includes(worker)) throw fault.unknown(command.job);
  if (state.ballots.has(job.id))
    return doneSeat(command, worker, at, [outputOf(command.stdout, at), outputOf(command.stderr, at)]);
  const key = views.workers.get(worker)?.key ?? "";
  const stdout = outputOf(command.stdout, at);
  const stderr = outputOf(command.stderr, at);
  const verified = checkReceipt(command, job, key, [stdout, stderr], worker);
  const receipt = (command.receipt ?? null) as End["receipt"];
  const late = lateOf(job, worker, receipt, at);
  if (late) return late;
  const { reason, exit, message, peak_bytes: peakBytes } = command;
  const end: End = { reason, exit, message, stdout, stderr, receipt, verified, peakBytes };
  const events: Emitted[] = [emit("ended@1", { job: job.id, worker, state: endState(command, job), end })];
  const old = surplus(state);
  if (old.length > 0) events.push(forgetting(state, old));
  if (verified) events.push(...acceptedAlone(at, job, worker, end));
  return { events: [...events, ...nextLeases(at, worker, job)], result: { job: job.id, verified } };
}

/** A worker gives a job back unfinished. */
export function giveBack({ job, started, reason, checkpoint }: Return, worker: string, at: At): Decision {
  const found = at.state.jobs.get(job);
  if (!found?.leases.some((one) => one.worker === worker)) throw fault.holder(job);
  // What the owner of a machine does is never held against a job.
  const spared = reason !== undefined || (!started && found.spared < mostSpared);
  const why = reason === undefined ? {} : { reason };
  const kept = keptAtReturn(checkpoint, found, worker, at);
  return { events: [...kept, emit(spared ? "unstarted@1" : "returned@1", { job, worker, ...why })] };
}
