import { createHash } from "node:crypto";
import { type Counts, type Job, type JobArray, type Jobs, mostArrays, type State } from "./model.ts";

const none: Counts = { queued: 0, running: 0, done: 0, failed: 0, canceled: 0, expired: 0 };

/** Number of a job that a record made together with others. */
export const memberId = (record: string, place: number): string => `${record}.${place}`;
/** Sequence of the record that made a job. */
export const recordOf = (id: string): number => Number(id.split(".")[0]);

/** What the receipt of one job of an array binds: the signed manifest, which binds all inputs, and the job's place. */
export function memberJobId(manifest: string, index: number): string {
  return createHash("sha256").update(`skep-array:v1:${manifest}:${index}`).digest("hex");
}

/** What a manifest of many inputs says of them: SHA-256 over their digests in hex, a line each. */
export function inputsDigest(digests: readonly string[]): string {
  const hash = createHash("sha256");
  for (const digest of digests) hash.update(`${digest}\n`);
  return hash.digest("hex");
}

/** Jobs of an array that have not ended. */
export const liveOf = ({ counts, total }: JobArray): number =>
  total - counts.done - counts.failed - counts.canceled - counts.expired;

/** A job of an array goes from one state to another. */
export function tally(jobs: Jobs, { array: id, state: from }: Job, to: State, time: number): void {
  const array = id === "" ? undefined : jobs.arrays.get(id);
  if (!array || from === to) return;
  const counts = { ...array.counts, [from]: array.counts[from] - 1, [to]: array.counts[to] + 1 };
  jobs.arrays.set(id, settled({ ...array, counts }, time));
}

/** An array has ended with its last job; a cancelled one gets no more. */
export function settled(array: JobArray, time: number): JobArray {
  const { counts, canceled, endedAt } = array;
  const open = counts.queued + counts.running > 0 || (canceled === "" && liveOf(array) > 0);
  return open || endedAt > 0 ? array : { ...array, endedAt: time };
}

/** More inputs of an array; the first ones make it. */
export function extend(
  jobs: Jobs,
  part: Pick<JobArray, "id" | "owner" | "run" | "total"> & { record: string; first: number; count: number },
  time: number,
): void {
  const { id, owner, run, total, record, first, count } = part;
  const made = { id, owner, run, total, counts: none, parts: [], submitted: time, endedAt: 0, canceled: "" };
  const array: JobArray = jobs.arrays.get(id) ?? made;
  const counts = { ...array.counts, queued: array.counts.queued + count };
  jobs.arrays.set(id, { ...array, counts, parts: [...array.parts, [record, first, count]] });
  if (jobs.arrays.size <= mostArrays) return;
  for (const [old, { endedAt }] of jobs.arrays.entries())
    if (endedAt > 0) {
      jobs.arrays.delete(old);
      return;
    }
}

/** Live jobs of an array from one of its parts on, and the part to go on with. */
export function* membersOf(array: JobArray, from = 0): Generator<readonly [id: string, part: number]> {
  for (const [part, [record, , count]] of array.parts.entries())
    if (part >= from) for (let at = 0; at < count; at += 1) yield [memberId(record, at), part];
}
