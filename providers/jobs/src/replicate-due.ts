import type { Deciding, Emitted } from "@skep/kernel";
import { emit, toldEnd } from "./events.ts";
import { isOver } from "./leases.ts";
import type { Job, Jobs } from "./model.ts";
import type { Ballot, Seat } from "./replicate-model.ts";
import { after, revealOf, settle } from "./replicate-verdict.ts";

type At = Pick<Deciding<Jobs>, "state" | "now" | "next" | "chance">;

/** Whether a machine was there all the time and could have told its answer. */
function wasThere({ capacity }: Jobs, { worker, incarnation }: Seat, now: number): boolean {
  const found = capacity.get(worker);
  return found?.present === true && !isOver(found, now) && found.incarnation === incarnation;
}

function missed(at: At, job: Job, ballot: Ballot): Emitted[] {
  const events: Emitted[] = [];
  let next = ballot;
  for (const seat of ballot.seats) {
    if (seat.revealed !== 0) continue;
    const late = wasThere(at.state, seat, at.now);
    const fate = late ? ("late-reveal" as const) : ("" as const);
    const why = late ? "it was there and did not tell its answer in time" : "it was gone";
    const told = { salt: "", answer: "", fate, why, end: toldEnd(late ? "late" : "lost", why) };
    events.push(emit("revealed@1", { job: job.id, worker: seat.worker, ...told }));
    next = after(next, seat.worker, { ...told, revealed: at.now });
  }
  return [...events, ...settle(at, job, next)];
}

/** Ballots that one check takes up at most: verdicts are long. */
const mostDue = 4;

/** What time brings to ballots and to machines that were put away. */
export function dueBallots(at: At): Emitted[] {
  const { state, now } = at;
  const events: Emitted[] = [];
  let done = 0;
  for (const [id, ballot] of state.ballots.entries()) {
    if (ballot.by === 0 || ballot.by > now) continue;
    if (done === mostDue) break;
    const job = state.jobs.get(id);
    if (!job) continue;
    done += 1;
    const slow = job.leases.map(({ worker }) => worker);
    if (ballot.phase === "commit") events.push(revealOf(id, slow, now));
    else events.push(...missed(at, job, ballot));
  }
  const back = [...state.histories.entries()].filter(
    ([, { quarantine }]) => quarantine && quarantine.until > 0 && quarantine.until <= now,
  );
  if (back.length > 0)
    events.push(emit("released@1", { workers: back.slice(0, 256).map(([worker]) => worker), by: "system" }));
  return events;
}

/** When the next of these is due; undefined for never. */
export function nextBallot({ ballots, histories }: Jobs): number | undefined {
  let next = Number.POSITIVE_INFINITY;
  for (const { by } of ballots.values()) if (by > 0) next = Math.min(next, by);
  for (const { quarantine } of histories.values())
    if (quarantine && quarantine.until > 0) next = Math.min(next, quarantine.until);
  return next === Number.POSITIVE_INFINITY ? undefined : next;
}
