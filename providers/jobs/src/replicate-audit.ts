import { count } from "@skep/trust";
import type { Deciding, Decision, Emitted } from "@skep/kernel";
import { emit } from "./events.ts";
import type { End, Job, Jobs } from "./model.ts";
import { type ToldAnswer, weigh } from "./replicate-receipt.ts";
import type { Audits, Ballot, Seat } from "./replicate-model.ts";
import type { Uses } from "./uses.ts";

type At = Deciding<Jobs, Uses>;

/** An auditor's answer on its way. */
interface Answering {
  readonly job: Job;
  readonly ballot: Ballot;
  readonly told: ToldAnswer;
  readonly seat: Pick<Seat, "worker" | "try" | "owner" | "class" | "key" | "incarnation"> & {
    readonly job: string;
  };
  readonly since: number;
  readonly end: End;
}

/** Auditors at most: where so many do not agree the job itself does not give the same answer twice. */
const mostAuditors = 3;

interface Finding {
  readonly found: "agreed" | "overturned" | "open";
  readonly right: readonly string[];
  readonly wrong: readonly string[];
}

const named = (seats: readonly Seat[]): string[] => seats.map(({ worker }) => worker);

/** The answer that auditors stand for; undefined while they do not. One's own machine is believed at once. */
function trueAnswer(accepted: string, said: readonly Seat[]): string | undefined {
  const own = said.find((seat) => seat.class === "owned");
  if (own) return own.answer;
  if (said.length === 1 && said[0]?.answer === accepted) return accepted;
  return count(
    said.map(({ worker, answer }) => ({ seat: worker, answer })),
    2,
  ).answer;
}

/** What auditors found; undefined while more of them are needed. */
function findingOf(
  accepted: string,
  workers: readonly string[],
  auditors: readonly Seat[],
): Finding | undefined {
  const said = auditors.filter(({ answer, fate }) => answer !== "" && fate === "");
  const bad = named(auditors.filter(({ fate }) => fate !== ""));
  const answer = trueAnswer(accepted, said);
  if (answer === undefined)
    return auditors.length < mostAuditors ? undefined : { found: "open", right: [], wrong: bad };
  const same = named(said.filter((seat) => seat.answer === answer));
  const other = named(said.filter((seat) => seat.answer !== answer));
  if (answer === accepted)
    return { found: "agreed", right: [...workers, ...same], wrong: [...other, ...bad] };
  return { found: "overturned", right: same, wrong: [...workers, ...other, ...bad] };
}

/** What was paid for an answer that was wrong goes back. */
function reversal(state: Jobs, { job: id, paid }: Audits): Emitted[] {
  const payer = state.jobs.get(id)?.owner;
  return payer === undefined || paid.length === 0 ? [] : [emit("reversed@1", { job: id, payer, paid })];
}

/** An auditor tells what it got. It needs no commitment: whoever it might copy from is not asked again. */
export function settleAudit(worker: string, at: At, answering: Answering): Decision {
  const { state, now } = at;
  const { job, ballot, told, seat, since, end } = answering;
  const { audits } = ballot;
  if (!audits) return { events: [] };
  const own: Seat = {
    ...seat,
    commitment: "",
    committed: now,
    revealed: now,
    salt: "",
    answer: "",
    fate: "",
    why: "",
    end: null,
    ms: now - since,
  };
  const weighed = weigh(state, job, own, told, ballot.rule);
  const { job: _job, ...place } = seat;
  const events: Emitted[] = [
    emit("answered@1", { job: job.id, ...place, commitment: "", salt: "", ...weighed, end }),
  ];
  const auditors = [
    ...ballot.seats.filter(({ worker: name }) => !audits.workers.includes(name)),
    { ...own, ...weighed },
  ];
  const finding = findingOf(audits.answer, audits.workers, auditors);
  if (!finding) return { events: [...events, emit("widened@1", { job: job.id, more: 1 })] };
  events.push(
    emit("audited@1", { job: audits.job, audit: job.id, class: ballot.rule.class, ...finding }),
    emit("ended@1", { job: job.id, worker, state: end.exit === 0 ? "done" : "failed", end }),
  );
  if (finding.found === "overturned") events.push(...reversal(state, audits));
  return { events, result: { job: job.id, audit: finding.found } };
}
