import type { Json } from "@skep/kernel";
import type { JobArray } from "./model.ts";
import { type At, waitOf } from "./wait.ts";

/** Parts of an array that its status tells; of one with more they are in the answers to its submission. */
const mostParts = 1024;

function stateOf({ canceled, counts, total, endedAt }: JobArray): string {
  if (endedAt > 0) return canceled !== "" ? "canceled" : counts.done === total ? "done" : "failed";
  return counts.running + counts.done + counts.failed > 0 ? "running" : "queued";
}

/** `status` of an array: how many of its jobs are in which state. */
export function arrayStatus(array: JobArray): Record<string, Json> {
  const { id, owner, total, counts, submitted, endedAt } = array;
  const given = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return {
    job: id,
    array: id,
    state: stateOf(array),
    total,
    given,
    ...counts,
    owner,
    submitted_ms: submitted,
    ended_ms: endedAt || null,
    // As a job has them, for whoever lists both.
    started_ms: null,
    exit: null,
    reason: null,
    message: null,
    verified: null,
    worker: null,
  };
}

/** Where the jobs of an array are: those of a part are `<job>.0` to `<job>.<count - 1>`. */
export function partsOf({ parts }: JobArray): Json {
  return parts.slice(0, mostParts).map(([job, first, count]) => ({ job, first, count }));
}

/** `spec` of an array: what runs over each input. */
export function arraySpec({ id, run, total }: JobArray): Json {
  return { array: id, ...run, total };
}

/** Why the next of its jobs waits; empty where none does. */
function waitOfNext({ id, counts }: JobArray, at: At): string {
  if (counts.queued === 0) return "";
  for (const { first } of at.state.lanes.values()) {
    const job = at.state.jobs.get(first);
    if (job?.array === id) return `; the next one waits: ${waitOf(job, at)}`;
  }
  return "";
}

/** `why` of an array: one line. */
export function arrayWhy(array: JobArray, at: At): string {
  const { counts, total, canceled } = array;
  const by = canceled === "" ? "" : `, canceled by ${canceled}`;
  const rest = array.endedAt > 0 ? "all ended" : `${counts.running} run, ${counts.queued} wait`;
  const told = `${counts.done} of ${total} done, ${counts.failed} failed, ${rest}${by}`;
  return `${stateOf(array)}: ${told}${waitOfNext(array, at)}\n`;
}
