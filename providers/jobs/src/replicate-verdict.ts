import { auditRate, type Count, count, draw, ownersRule, type Rule, tierOf } from "@skep/trust";
import type { Deciding, Emitted } from "@skep/kernel";
import { emit, toldEnd } from "./events.ts";
import type { End, Job, Jobs } from "./model.ts";
import {
  type Ballot,
  type JobRule,
  type Judged,
  type Seat,
  standingOf,
  type Verdict,
} from "./replicate-model.ts";
import { accountOf, meteredOf, type Paid, paidIn } from "./replicate-meter.ts";

type At = Pick<Deciding<Jobs>, "state" | "now" | "next" | "chance">;

/** Answers of one job at most, beyond those asked for first. */
const mostSeats = 9;

/** Copies are told from mere breaks only when all answers are there: what was revealed is an answer of another. */
function named(seats: readonly Seat[]): Seat[] {
  return seats.map((seat) => {
    if (seat.fate !== "broken-commitment") return seat;
    const others = seats.filter((other) => other !== seat);
    const copied = others.some(
      ({ answer, commitment, fate }) =>
        commitment === seat.commitment || (fate === "" && answer !== "" && answer === seat.answer),
    );
    return copied
      ? {
          ...seat,
          fate: "copied-output" as const,
          why: "it is another's answer, and not what was committed to",
        }
      : seat;
  });
}

function judged(seat: Seat, { answer, agreed }: Count): Judged {
  const { worker, key, owner, class: of, try: attempt, commitment, salt, committed, revealed, end } = seat;
  const common = {
    worker,
    key,
    owner,
    class: of,
    try: attempt,
    reason: end?.reason ?? "",
    commitment,
    salt,
    committed_ms: committed,
    revealed_ms: revealed,
    receipt: end?.receipt ?? null,
  };
  if (seat.fate !== "") return { ...common, verdict: "dissent", why: seat.fate };
  if (seat.answer === "" || answer === undefined)
    return {
      ...common,
      verdict: "no-answer",
      why: seat.why || (seat.answer === "" ? "silent" : "no quorum"),
    };
  return agreed.includes(worker)
    ? { ...common, verdict: "agreed", why: "valid" }
    : { ...common, verdict: "dissent", why: "wrong-output" };
}

function votesOf(seats: readonly Seat[]) {
  return seats
    .filter(({ answer, fate }) => answer !== "" && fate === "")
    .map(({ worker, answer }) => ({ seat: worker, answer }));
}

function verdictOf({ state }: At, job: Job, rule: JobRule, seats: readonly Seat[], counted: Count): Verdict {
  return {
    job: job.id,
    job_id: job.jobId,
    rule: { ...rule, owners: ownersRule, policy: `v${state.policy.get()}` },
    answer: counted.answer ?? null,
    replicas: seats.map((seat) => judged(seat, counted)),
  };
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((one, other) => one - other)[(numbers.length - 1) >> 1] ?? 0;
}

/** Accounts of the machines that agreed; none is paid for more time than the median of them took. */
function paidFor(state: Jobs, seats: readonly Seat[], agreed: readonly string[], end: End): Paid {
  const right = seats.filter(({ worker }) => agreed.includes(worker));
  const ms = median(right.map((seat) => seat.ms));
  return right.map(({ worker }) => ({
    account: accountOf(standingOf(state, worker)),
    ms,
    bytes: end.peakBytes,
  }));
}

function stateOf({ reason, exit }: End): "done" | "failed" {
  return reason === "exit" && exit === 0 ? "done" : "failed";
}

/** How much of what these machines agree on is run again elsewhere. */
function rateOf({ state, now }: At, workers: readonly string[]): number {
  const rates = workers.map((worker) => {
    const history = state.histories.get(worker);
    return auditRate(standingOf(state, worker).class, history ? tierOf(history, now) : 0);
  });
  return Math.max(0, ...rates);
}

const auditRule = (rule: JobRule): JobRule => ({ replicas: 1, quorum: 1, why: "audit", class: rule.class });

/** An accepted answer is run again by the luck of the record that accepts it: nobody could know before. */
export function auditOf(
  at: At,
  job: Job,
  told: {
    readonly rule: JobRule;
    readonly seats: readonly Seat[];
    readonly answer: string;
    readonly metered: readonly Emitted[];
  },
): Emitted[] {
  const { rule, seats, answer, metered } = told;
  const { state, next } = at;
  const workers = seats.map(({ worker }) => worker);
  const rate = rateOf(at, workers);
  if (rate === 0 || rule.class === "loose" || draw(at.chance, `audit ${job.id}`) >= rate) return [];
  const own = [...state.capacity.entries()].some(
    ([worker, { present }]) => present && standingOf(state, worker).class === "owned",
  );
  const classes = own ? ["owned"] : job.where.classes;
  return [
    emit("auditing@1", {
      job: job.id,
      audit: String(next),
      answer,
      workers,
      paid: paidIn(metered),
      rule: auditRule(rule),
      classes,
      // Their owners do not audit themselves; what they told stands in the verdict.
      seats: seats.map((seat) => ({ ...seat, end: null })),
    }),
  ];
}

/** How many machines more could bring a quorum. */
function missing(seats: readonly Seat[], { quorum }: Rule): number {
  const votes = votesOf(seats);
  const backers = new Map<string, number>();
  for (const { answer } of votes) backers.set(answer, (backers.get(answer) ?? 0) + 1);
  const best = Math.max(0, ...backers.values());
  return Math.max(1, quorum - best, votes.length + 1 - 2 * best);
}

/** All answers are there: the verdict, or more machines where these agree on nothing. */
export function settle(at: At, job: Job, ballot: Ballot): Emitted[] {
  const { rule } = ballot;
  const seats = named(ballot.seats);
  const counted = count(votesOf(seats), rule.quorum);
  const verdict = verdictOf(at, job, rule, seats, counted);
  const winner = seats.find(({ worker }) => worker === counted.agreed[0]);
  if (winner?.end) {
    const right = seats.filter(({ worker }) => counted.agreed.includes(worker));
    const { end } = winner;
    const paid = paidFor(at.state, seats, counted.agreed, end);
    const metered = meteredOf(job, paid);
    const told = { job: job.id, worker: winner.worker, state: stateOf(end), end: { ...end, verified: true } };
    return [
      emit("settled@1", { ...told, verdict }),
      ...metered,
      ...auditOf(at, job, { rule, seats: right, answer: winner.answer, metered }),
    ];
  }
  const more = missing(seats, rule);
  if (seats.length + more <= Math.min(mostSeats, 2 * rule.replicas + 1))
    return [emit("widened@1", { job: job.id, more })];
  const end = toldEnd("no-quorum", `${seats.length} machines did not agree`);
  return [emit("settled@1", { job: job.id, worker: "", state: "failed", end, verdict })];
}

/** What machines that have committed get to tell their answers, milliseconds: twice a lease, so that whoever is gone is known to be. */
export const revealMs = 30_000;

/** The answers are asked for; whoever has none yet is not waited for. */
export function revealOf(job: string, slow: readonly string[], now: number): Emitted {
  return emit("reveal@1", { job, by: now + revealMs, slow });
}

/** What the ballot will be once this seat has told. */
export function after(ballot: Ballot, worker: string, told: Partial<Seat>): Ballot {
  const seats = ballot.seats.map((seat) =>
    seat.worker === worker && seat.revealed === 0 ? { ...seat, ...told } : seat,
  );
  return { ...ballot, seats };
}
