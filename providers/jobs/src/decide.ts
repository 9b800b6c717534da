import { createHash } from "node:crypto";
import { liveOf } from "./arrays.ts";
import { checkpoint } from "./checkpoint.ts";
import { emit } from "./events.ts";
import { fault } from "./faults.ts";
import { isEnded, type JobArray, leaseMs } from "./model.ts";
import { commit } from "./replicate.ts";
import { done, giveBack } from "./result.ts";
import type { JobCommand, ResultCommand } from "./schema.ts";
import { submit, submitMany } from "./submit.ts";
import type { JobLimits } from "./uses.ts";
import { sees } from "./views.ts";

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

function cancelArray(array: JobArray, { caller }: Parameters<typeof submit>[1]) {
  if (caller.role !== "queen" && array.owner !== caller.subject) throw fault.unknown(array.id);
  if (array.canceled !== "" || liveOf(array) === 0) throw fault.ended(array.id);
  const event = emit("array-canceled@1", { array: array.id, by: caller.subject });
  return { events: [event], result: { array: array.id } };
}

/** A line of `/jobs/ctl`. */
export function decideJob(command: JobCommand, at: Parameters<typeof submit>[1], limits: JobLimits) {
  if (command.op === "submit") return submit(command, at, limits, sha256);
  if (command.op === "array") return submitMany(command, at, limits, sha256);
  const array = at.state.arrays.get(command.job);
  if (array) return cancelArray(array, at);
  const job = at.state.jobs.get(command.job);
  if (!job || !sees(at.caller, job) || (at.caller.role !== "queen" && job.owner !== at.caller.subject))
    throw fault.unknown(command.job);
  if (isEnded(job.state)) throw fault.ended(job.id);
  return { events: [emit("canceled@1", { job: job.id, by: at.caller.subject })], result: { job: job.id } };
}

/** A line of `/worker/<id>/results`. */
export function decideResult(command: ResultCommand, at: Parameters<typeof submit>[1]) {
  const worker = at.params.id ?? "";
  if (at.caller.subject !== worker) throw fault.worker(worker);
  if (command.op === "done") return done(command, worker, at);
  if (command.op === "return") return giveBack(command, worker, at);
  if (command.op === "checkpoint") return checkpoint(command, worker, at);
  if (command.op === "commit") return commit(command, worker, at);
  if (!at.state.capacity.has(worker)) throw fault.joined(worker);
  return { events: [emit("renewed@1", { worker, until: at.now + leaseMs })] };
}
