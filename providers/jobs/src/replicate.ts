import type { Deciding, Decision, Emitted } from "@skep/kernel";
import { answerKey, isAnswer } from "@skep/trust";
import { emit } from "./events.ts";
import { fault } from "./faults.ts";
import { type End, isEnded, type Job, type Jobs, type Lease, type Output } from "./model.ts";
import { answersFor, type ToldAnswer, weigh } from "./replicate-receipt.ts";
import { standingOf } from "./replicate-model.ts";
import { settleAudit } from "./replicate-audit.ts";
import { after, auditOf, revealOf, settle } from "./replicate-verdict.ts";
import { nextLeases } from "./schedule.ts";
import { meteredAlone } from "./replicate-meter.ts";
import type { ResultCommand } from "./schema.ts";
import type { Uses } from "./uses.ts";

type At = Deciding<Jobs, Uses>;
type Commit = Extract<ResultCommand, { op: "commit" }>;
type Done = Extract<ResultCommand, { op: "done" }>;

/** What machines that are slower than a quorum get at least, milliseconds. */
const stragglerMs = 10_000;

function seatFor(at: At, job: Job, lease: Lease, worker: string) {
  const { class: of, owner } = standingOf(at.state, worker);
  return {
    job: job.id,
    worker,
    try: lease.try,
    owner,
    class: of,
    key: at.views.workers.get(worker)?.key ?? "",
    incarnation: at.state.capacity.get(worker)?.incarnation ?? "",
  };
}

/** A machine binds itself to its answer. The answers are asked for when all have, or when a quorum has and the others are late. */
export function commit({ job: id, commitment }: Commit, worker: string, at: At): Decision {
  const { state, now } = at;
  const job = state.jobs.get(id);
  const ballot = state.ballots.get(id);
  const lease = job?.leases.find((one) => one.worker === worker);
  if (!job || !ballot || !lease || isEnded(job.state) || ballot.phase !== "commit") throw fault.holder(id);
  const there = ballot.seats.filter(({ revealed }) => revealed === 0).length + 1;
  const answers = ballot.seats.length + 1;
  const all = job.want <= 1;
  const waits = 2 * (now - Math.min(...job.leases.map(({ since }) => since)));
  const late = ballot.by > 0 ? ballot.by : now + Math.max(stragglerMs, waits);
  const by = answers >= ballot.rule.quorum ? late : 0;
  const events = [emit("committed@1", { ...seatFor(at, job, lease, worker), commitment, by })];
  // The copy of a straggler is not needed any more.
  const slow = job.leases.map((one) => one.worker).filter((one) => one !== worker);
  if (all) events.push(revealOf(id, slow, now));
  events.push(...nextLeases(at, worker, job));
  return { events, result: { job: id, committed: there, of: ballot.rule.replicas } };
}

function toldOf(command: Done, stdout: Output, stderr: Output): ToldAnswer {
  const { reason, exit, receipt, salt } = command;
  return { reason, exit, stdout, stderr, receipt, salt };
}

function endOf(command: Done, stdout: Output, stderr: Output, verified: boolean): End {
  const { reason, exit, message, peak_bytes: peakBytes } = command;
  const receipt = (command.receipt ?? null) as End["receipt"];
  return { reason, exit, message, stdout, stderr, receipt, verified, peakBytes };
}

const open = ({ seats }: { readonly seats: readonly { readonly revealed: number }[] }): boolean =>
  seats.some(({ revealed }) => revealed === 0);

/** A machine tells its answer to a job that several answer, or that is audited. */
export function doneSeat(command: Done, worker: string, at: At, out: readonly [Output, Output]): Decision {
  const { state, now } = at;
  const job = state.jobs.get(command.job);
  const ballot = state.ballots.get(command.job);
  if (!job || !ballot) throw fault.unknown(command.job);
  const told = toldOf(command, ...out);
  const lease = job.leases.find((one) => one.worker === worker);
  if (lease) {
    if (!answersFor(told, job)) {
      const { reason } = command;
      return {
        events: [emit("unanswered@1", { job: job.id, worker, reason })],
        result: { job: job.id, answer: false },
      };
    }
    if (!ballot.audits) throw fault.early(job.id);
    const seat = seatFor(at, job, lease, worker);
    const answering = { job, ballot, told, seat, since: lease.since, end: endOf(command, ...out, true) };
    return settleAudit(worker, at, answering);
  }
  const seat = ballot.seats.find((one) => one.worker === worker && one.revealed === 0);
  if (!seat) return { events: [], result: { job: job.id, late: true } };
  if (ballot.phase === "commit") throw fault.early(job.id);
  const weighed = weigh(state, job, seat, told, ballot.rule);
  const end = endOf(command, ...out, weighed.fate === "");
  const revealed = { salt: told.salt, ...weighed, end };
  const events: Emitted[] = [emit("revealed@1", { job: job.id, worker, ...revealed })];
  const next = after(ballot, worker, { ...revealed, revealed: now });
  if (!open(next)) events.push(...settle(at, job, next));
  return { events, result: { job: job.id, verified: weighed.fate === "" } };
}

/** What follows from the answer of one machine that nobody else gave: what it came to, and by chance an audit. */
export function acceptedAlone(at: At, job: Job, worker: string, end: End): Emitted[] {
  const { state, now } = at;
  // The hive's own machines work for its operator.
  if (state.standings.size === 0 && job.owner === "owner") return [];
  const lease = job.leases.find((one) => one.worker === worker);
  const standing = standingOf(state, worker);
  const ms = now - (lease?.since ?? now);
  const metered = meteredAlone(job, standing, end, ms);
  if (!lease || standing.class === "owned" || !isAnswer(end.reason)) return metered;
  // Who begins anew need not come to the same bytes as who went on from what another kept.
  if (lease.from) return metered;
  const rule = { replicas: 1, quorum: 1, why: "policy", class: job.rule?.class ?? "pure" } as const;
  const output = outputOfReceipt(end);
  const answer = answerKey({ reason: end.reason, exit: end.exit, output, loose: false });
  const told = {
    salt: "",
    answer,
    fate: "",
    why: "",
    end: null,
    commitment: "",
    committed: now,
    revealed: now,
    ms,
  } as const;
  const { job: _job, ...place } = seatFor(at, job, lease, worker);
  return [...metered, ...auditOf(at, job, { rule, seats: [{ ...place, ...told }], answer, metered })];
}

function outputOfReceipt({ receipt }: End): string {
  const result = receipt?.result as { output_commitment?: readonly number[] } | undefined;
  return Buffer.from(result?.output_commitment ?? []).toString("hex");
}
