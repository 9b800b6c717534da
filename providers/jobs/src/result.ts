import { isOutputOf, type SignedReceipt, verifyReceipt } from "@skep/receipt";
import type { Deciding, Decision, Emitted } from "@skep/kernel";
import { emit, surplus } from "./events.ts";
import { fault } from "./faults.ts";
import { forgetting } from "./forget.ts";
import {
  type End,
  isEnded,
  type Job,
  type Jobs,
  leaseMs,
  mostSpared,
  type Output,
  quickMs,
} from "./model.ts";
import type { ResultCommand } from "./schema.ts";
import { idleFor, type Uses } from "./submit.ts";

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

function checkReceipt(command: Done, job: Job, key: string, stdout: Output, stderr: Output): boolean {
  if (command.receipt === undefined) {
    if (key !== "") throw fault.unsigned(job.id);
    return false;
  }
  if (key === "") throw fault.receipt("the worker has no known key");
  const verdict = verifyReceipt(command.receipt, key, { jobId: job.jobId });
  if (!verdict.ok) throw fault.receipt(`${verdict.failed}: ${verdict.why}`);
  if (!agrees(verdict.receipt, command, job, stdout, stderr)) throw fault.receipt("it tells another result");
  return true;
}

/** Leases that one result brings at most: one for its place, one to get ahead. */
const mostNext = 2;

/** What comes next to a worker whose job ends: as much as it has room for, and more than slots while jobs are short. */
function nextLeases({ state, now }: At, worker: string, { leased }: Job): Emitted[] {
  const free = state.capacity.get(worker);
  if (!free?.present || free.paused) return [];
  const ahead = now - leased < quickMs ? (free.ahead ?? 0) : 0;
  const room = Math.min(mostNext, free.slots + ahead - (free.used - 1));
  const events: Emitted[] = [];
  for (const id of state.queue.keys()) {
    if (events.length >= room) break;
    const kind = state.jobs.get(id)?.run.kind;
    if (kind && free.kinds.includes(kind))
      events.push(emit("leased@1", { job: id, worker, until: now + leaseMs }));
  }
  return events;
}

function endState(command: Done, job: Job): "done" | "failed" | "canceled" {
  if (job.state === "canceled" || command.reason === "canceled") return "canceled";
  return command.reason === "exit" && command.exit === 0 ? "done" : "failed";
}

/** A worker tells how a job ended. */
export function done(command: Done, worker: string, at: At): Decision {
  const { state, views } = at;
  const job = state.jobs.get(command.job);
  if (!job?.tried.includes(worker)) throw fault.unknown(command.job);
  const key = views.workers.get(worker)?.key ?? "";
  const stdout = outputOf(command.stdout, at);
  const stderr = outputOf(command.stderr, at);
  const verified = checkReceipt(command, job, key, stdout, stderr);
  const receipt = (command.receipt ?? null) as End["receipt"];
  if (job.worker !== worker || !job.held) {
    if (job.late.some((late) => late.worker === worker) || (isEnded(job.state) && job.worker === worker))
      throw fault.told(job.id);
    return {
      events: [emit("late@1", { job: job.id, worker, receipt })],
      result: { job: job.id, late: true },
    };
  }
  const { reason, exit, message, peak_bytes: peakBytes } = command;
  const end: End = { reason, exit, message, stdout, stderr, receipt, verified, peakBytes };
  const events: Emitted[] = [emit("ended@1", { job: job.id, worker, state: endState(command, job), end })];
  const old = surplus(state);
  if (old.length > 0) events.push(forgetting(state, old));
  return { events: [...events, ...nextLeases(at, worker, job)], result: { job: job.id, verified } };
}

/** A worker gives a job back unfinished. */
export function giveBack({ job, started, reason }: Return, worker: string, at: At): Decision {
  const found = at.state.jobs.get(job);
  if (found?.worker !== worker || found.state !== "running") throw fault.holder(job);
  // What the owner of a machine does is never held against a job.
  const spared = reason === "owner" || (!started && found.spared < mostSpared);
  return { events: [emit(spared ? "unstarted@1" : "returned@1", { job, worker })] };
}

/** Waiting jobs for idle workers, oldest first, at most 64 in one record. */
function leases(state: Jobs, now: number, gone: ReadonlySet<string>): Emitted[] {
  const used = new Map<string, number>();
  const events: Emitted[] = [];
  let misses = 0;
  for (const id of state.queue.keys()) {
    // One kind that nobody takes must not hold up the others, nor cost a walk over a long queue.
    if (misses >= 64 || events.length >= 64) break;
    const worker = gone.has(id) ? undefined : freeWorker(state, state.jobs.get(id)?.run.kind ?? "", used);
    if (worker === undefined) misses += 1;
    else {
      used.set(worker, (used.get(worker) ?? 0) + 1);
      events.push(emit("leased@1", { job: id, worker, until: now + leaseMs }));
    }
  }
  return events;
}

/** What time brings: leases that ended, jobs and manifests that expired, waiting jobs for idle workers. */
export function due({ state, now }: At): Decision | undefined {
  const check = state.check.get();
  const looked = check > 0 && check <= now ? look(state, now) : [];
  const gone = new Set(looked.length > 0 ? expiredOf(state, now) : []);
  const events = [...looked, ...leases(state, now, gone)];
  return events.length > 0 ? { events } : undefined;
}

function freeWorker(state: Jobs, kind: string, used: ReadonlyMap<string, number>): string | undefined {
  const first = idleFor(state, kind);
  if (first !== undefined && fits(state, first, used)) return first;
  for (const id of state.idle.keys())
    if (state.capacity.get(id)?.kinds.includes(kind) && fits(state, id, used)) return id;
  return undefined;
}

function fits(state: Jobs, id: string, used: ReadonlyMap<string, number>): boolean {
  const capacity = state.capacity.get(id);
  return capacity !== undefined && capacity.used + (used.get(id) ?? 0) < capacity.slots;
}

/** What one check takes up at most of each: its record must stay far below the largest. */
const checkMost = 256;

function expiredOf(state: Jobs, now: number): string[] {
  const ids: string[] = [];
  for (const id of state.queue.keys()) {
    const { expires } = state.jobs.get(id) ?? { expires: 0 };
    if (expires > 0 && expires <= now) ids.push(id);
    if (ids.length === checkMost) break;
  }
  return ids;
}

function lostOf(state: Jobs, now: number): string[] {
  const holders = new Set(state.running.values());
  return [...holders].filter((id) => (state.capacity.get(id)?.until ?? 0) <= now).slice(0, checkMost);
}

function pastManifests(state: Jobs, now: number): string[] {
  const hashes: string[] = [];
  for (const [hash, { until }] of state.manifests.entries()) {
    if (until > now || hashes.length === checkMost) break;
    hashes.push(hash);
  }
  return hashes;
}

function look(state: Jobs, now: number): Emitted[] {
  const expired = expiredOf(state, now);
  const lost = lostOf(state, now);
  const manifests = pastManifests(state, now);
  const more = [expired, lost, manifests].some(({ length }) => length === checkMost);
  const next = more ? now + 1 : nextCheck(state, now, expired, lost);
  const events: Emitted[] = [emit("checked@1", { next, manifests })];
  if (expired.length > 0) events.push(emit("expired@1", { jobs: expired }));
  if (lost.length > 0) events.push(emit("lost@1", { workers: lost }));
  return events;
}

function nextCheck(state: Jobs, now: number, expired: readonly string[], lost: readonly string[]): number {
  let next = Number.POSITIVE_INFINITY;
  for (const holder of new Set(state.running.values()))
    if (!lost.includes(holder)) next = Math.min(next, state.capacity.get(holder)?.until ?? now + leaseMs);
  for (const id of state.queue.keys()) {
    const { expires } = state.jobs.get(id) ?? { expires: 0 };
    if (expires > 0 && !expired.includes(id)) next = Math.min(next, expires);
  }
  if (state.manifests.size > 0) next = Math.min(next, now + 60_000);
  return next === Number.POSITIVE_INFINITY ? 0 : Math.max(next, now + 250);
}
