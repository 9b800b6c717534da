import type { EventMeta } from "@skep/kernel";
import {
  after,
  type Determinism,
  type Fate,
  type MachineClass,
  newcomer,
  quarantine,
  release,
} from "@skep/trust";
import { finish, giveBack, unlease, watch } from "./leases.ts";
import type { Job, Jobs, State } from "./model.ts";
import { dequeue, enqueue } from "./queue.ts";
import type {
  Audited,
  Auditing,
  Committed,
  JobRule,
  Metered,
  Network,
  Revealed,
  Revealing,
  Seat,
  Settled,
} from "./replicate-model.ts";

function remember(jobs: Jobs, worker: string, fate: Fate, job: string, of: Determinism, now: number): void {
  const before = jobs.histories.get(worker) ?? newcomer(now);
  const next = after(before, fate, { class: of, job, now });
  jobs.histories.set(worker, next);
  if (next.quarantine && next.quarantine.until > 0) watch(jobs, next.quarantine.until);
}

/** More machines are wanted for a job, or fewer. */
function wants(jobs: Jobs, id: string, want: number): void {
  const job = jobs.jobs.get(id);
  if (!job) return;
  dequeue(jobs, id);
  const next: Job = { ...job, want };
  jobs.jobs.set(id, next);
  if (next.leases.length < want) enqueue(jobs, next);
}

/** A job that several machines are to answer has a ballot from the start. */
export function opened({ ballots }: Jobs, { id, rule }: Job): void {
  if (rule && rule.replicas > 1) ballots.set(id, { rule, phase: "commit", seats: [], by: 0 });
}

function replicated(jobs: Jobs, { job, rule }: { job: string; rule: JobRule }): void {
  jobs.ballots.set(job, { rule, phase: "commit", seats: [], by: 0 });
  wants(jobs, job, rule.replicas);
}

const fresh = { salt: "", answer: "", fate: "", why: "", end: null, revealed: 0 } as const;

/** A machine that has committed runs nothing any more: its slot is free, and its place in the ballot is taken. */
function committed(jobs: Jobs, { job: id, by, ...told }: Committed, time: number): void {
  const ballot = jobs.ballots.get(id);
  const job = jobs.jobs.get(id);
  if (!ballot || !job) return;
  const lease = unlease(jobs, id, told.worker, time);
  wants(jobs, id, Math.max(0, job.want - 1));
  const seat: Seat = { ...fresh, ...told, committed: time, ms: time - (lease?.since ?? time) };
  jobs.ballots.set(id, { ...ballot, seats: [...ballot.seats, seat], by });
  if (by > 0) watch(jobs, by);
}

function revealing(jobs: Jobs, { job: id, by }: Revealing, time: number): void {
  const ballot = jobs.ballots.get(id);
  if (!ballot) return;
  for (const { worker } of jobs.jobs.get(id)?.leases ?? []) unlease(jobs, id, worker, time);
  wants(jobs, id, 0);
  jobs.ballots.set(id, { ...ballot, phase: "reveal", by });
  watch(jobs, by);
}

function revealed(jobs: Jobs, { job: id, worker, ...told }: Revealed, time: number): void {
  const ballot = jobs.ballots.get(id);
  if (!ballot) return;
  const seats = ballot.seats.map((seat) =>
    seat.worker === worker && seat.revealed === 0 && seat.end === null
      ? { ...seat, ...told, revealed: time }
      : seat,
  );
  jobs.ballots.set(id, { ...ballot, seats });
}

function settled(jobs: Jobs, { job: id, worker, state, end, verdict }: Settled, time: number): void {
  jobs.ballots.delete(id);
  jobs.verdicts.set(id, verdict);
  for (const one of verdict.replicas)
    if (one.verdict === "agreed" || one.verdict === "dissent")
      remember(
        jobs,
        one.worker,
        (one.verdict === "agreed" ? "valid" : one.why) as Fate,
        id,
        verdict.rule.class,
        time,
      );
  finish(jobs, id, state as State, time, end);
  const job = jobs.jobs.get(id);
  if (job && worker !== "") jobs.jobs.set(id, { ...job, worker });
}

function auditing(jobs: Jobs, data: Auditing, time: number): void {
  const { job: id, audit, answer, workers, paid, rule, classes, seats } = data;
  const of = jobs.jobs.get(id);
  if (!of) return;
  const { rule: _asked, ...same } = of;
  const made: Job = {
    ...same,
    id: audit,
    state: "queued",
    submitted: time,
    deadline: 0,
    where: { ...of.where, classes },
    needs: [],
    dependents: [],
    array: "",
    index: 0,
    want: 1,
    worker: "",
    leases: [],
    tried: [],
    tries: 0,
    losses: 0,
    declined: [],
    spared: 0,
    leased: 0,
    endedAt: 0,
    end: null,
    late: [],
  };
  jobs.jobs.set(audit, made);
  jobs.ballots.set(audit, {
    rule,
    phase: "commit",
    seats,
    by: 0,
    audits: { job: id, answer, workers, paid },
  });
  jobs.audits.set(id, { audit, found: "waits" });
  enqueue(jobs, made);
}

/** An auditor has told its answer: it needs no commitment, because there is nobody to copy from. */
function answered(jobs: Jobs, told: Omit<Committed, "by"> & Revealed, time: number): void {
  committed(jobs, { ...told, by: 0 }, time);
  revealed(jobs, told, time);
}

function audited(jobs: Jobs, data: Audited, time: number): void {
  const { job, audit, found, right, wrong, class: of } = data;
  if (jobs.jobs.has(job)) jobs.audits.set(job, { audit, found });
  else jobs.audits.delete(job);
  jobs.ballots.delete(audit);
  for (const worker of right) remember(jobs, worker, "valid", job, of, time);
  for (const worker of wrong) remember(jobs, worker, "wrong-output", job, of, time);
}

export const agreementEvents = {
  "placed@1": ({ places }: Jobs, { worker, network }: { worker: string; network: Network }) =>
    places.set(worker, network),
  "replicated@1": (jobs: Jobs, data: { job: string; rule: JobRule }) => replicated(jobs, data),
  "committed@1": (jobs: Jobs, data: Committed, { time }: EventMeta) => committed(jobs, data, time),
  "reveal@1": (jobs: Jobs, data: Revealing, { time }: EventMeta) => revealing(jobs, data, time),
  "revealed@1": (jobs: Jobs, data: Revealed, { time }: EventMeta) => revealed(jobs, data, time),
  "answered@1": (jobs: Jobs, data: Omit<Committed, "by"> & Revealed, { time }: EventMeta) =>
    answered(jobs, data, time),
  "unanswered@1": (
    jobs: Jobs,
    { job, worker }: { job: string; worker: string; reason: string },
    { time }: EventMeta,
  ) => giveBack(jobs, job, worker, time, false),
  "widened@1": (jobs: Jobs, { job: id, more }: { job: string; more: number }) => {
    const ballot = jobs.ballots.get(id);
    if (!ballot) return;
    jobs.ballots.set(id, { ...ballot, phase: "commit", by: 0 });
    wants(jobs, id, more);
  },
  "settled@1": (jobs: Jobs, data: Settled, { time }: EventMeta) => settled(jobs, data, time),
  // The ledger folds these.
  "metered@1": (_jobs: Jobs, _data: Metered) => undefined,
  "reversed@1": (_jobs: Jobs, _data: Metered) => undefined,
  "auditing@1": (jobs: Jobs, data: Auditing, { time }: EventMeta) => auditing(jobs, data, time),
  "audited@1": (jobs: Jobs, data: Audited, { time }: EventMeta) => audited(jobs, data, time),
  "quarantined@1": (
    jobs: Jobs,
    { worker, reason, by, until }: { worker: string; reason: string; by: string; until: number },
    { time }: EventMeta,
  ) => {
    jobs.histories.set(
      worker,
      quarantine(jobs.histories.get(worker) ?? newcomer(time), reason, by, time, until),
    );
    if (until > 0) watch(jobs, until);
  },
  "released@1": (jobs: Jobs, { workers }: { workers: readonly string[]; by: string }) => {
    for (const worker of workers) {
      const before = jobs.histories.get(worker);
      if (before) jobs.histories.set(worker, release(before));
    }
  },
  "peers:invited@1": (jobs: Jobs, data: { invite: string; class: MachineClass; owner: string }) =>
    jobs.standings.set(`invite/${data.invite}`, { class: data.class, owner: data.owner }),
  "peers:redeemed@1": (jobs: Jobs, { invite, worker }: { invite: string; worker: string }) => {
    const found = jobs.standings.get(`invite/${invite}`);
    if (found) jobs.standings.set(worker, found);
  },
  "peers:lapsed@1": (jobs: Jobs, { invites }: { invites: readonly string[] }) => {
    for (const invite of invites) jobs.standings.delete(`invite/${invite}`);
  },
  "policy:applied@1": (jobs: Jobs, { version }: { version: number }) => jobs.policy.set(version),
  "policy:rolled-back@1": (jobs: Jobs, { version }: { version: number }) => jobs.policy.set(version),
  "manifest:loaded@1": (jobs: Jobs, { hash }: { hash: string }) => jobs.configured.set(hash),
  "manifest:reloaded@1": (jobs: Jobs, { hash }: { hash: string }) => jobs.configured.set(hash),
} as const;

/** A job that nothing tells of any more leaves its verdict behind. */
export function forgetVerdict(jobs: Jobs, id: string): void {
  jobs.verdicts.delete(id);
  jobs.audits.delete(id);
}
