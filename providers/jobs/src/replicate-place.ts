import type { Deciding, Emitted } from "@skep/kernel";
import { askedRule, draw, joins, majority, mostReplicas, type Party, ruleFor } from "@skep/trust";
import { emit } from "./events.ts";
import { fault } from "./faults.ts";
import type { Job, Jobs } from "./model.ts";
import { fits, type Machines, machineOf } from "./place.ts";
import { type JobRule, standingOf } from "./replicate-model.ts";

type At = Pick<Deciding<Jobs, Machines>, "state" | "now" | "views">;

/** The rule that a job asks for; undefined where policy says. Throws `jobs.replicas` for a quorum that is none. */
export function wishOf(asked: {
  readonly replicas?: number | undefined;
  readonly quorum?: number | undefined;
  readonly determinism?: "pure" | "loose" | undefined;
}): JobRule | undefined {
  const { determinism = "pure" } = asked;
  const rule = askedRule(asked);
  if (!rule)
    return determinism === "loose" ? { replicas: 1, quorum: 1, why: "loose", class: "loose" } : undefined;
  if (rule.replicas > mostReplicas || rule.quorum > rule.replicas || rule.quorum < majority(rule.replicas))
    throw fault.replicas(`${rule.quorum} of ${rule.replicas}`);
  return { ...rule, class: determinism };
}

const partyOf = (state: Jobs, worker: string): Party => {
  const { class: of, owner } = standingOf(state, worker);
  const place = state.places.get(worker);
  return { class: of, owner, ...(place ? { place } : {}) };
};

/** Whether a machine is put away. */
export function isAway({ histories }: Jobs, worker: string): boolean {
  return histories.size > 0 && histories.get(worker)?.quarantine != null;
}

/** Only pure work goes to strangers: what two honest machines may answer differently cannot be told from a lie. */
export function isFitForClass(state: Jobs, job: Job, worker: string): boolean {
  const determinism = (state.ballots.get(job.id)?.rule ?? job.rule)?.class ?? "pure";
  return determinism === "pure" || standingOf(state, worker).class !== "volunteer";
}

/** Whether policy lets a machine do a job alone whose owner did not say how many shall. */
function alone(state: Jobs, job: Job, worker: string, now: number): boolean {
  const machine = standingOf(state, worker).class;
  if (machine !== "volunteer" || job.rule || state.ballots.has(job.id)) return true;
  const history = state.histories.get(worker);
  const drawn = draw(job.jobId, `${job.id} ${worker}`);
  return ruleFor({ machine, class: "pure", history, now, draw: drawn }).replicas === 1;
}

/** Whether agreement lets a machine have a job: not put away, of another owner than all who answer it already, and trusted where it would be alone. */
export function mayAnswer(state: Jobs, job: Job, worker: string, now: number): boolean {
  if (isAway(state, worker)) return false;
  if (state.standings.size > 0)
    if (!isFitForClass(state, job, worker) || !alone(state, job, worker, now)) return false;
  const ballot = state.ballots.get(job.id);
  if (!ballot) return true;
  const party = partyOf(state, worker);
  return joins(
    party,
    // Whose they were when they committed; where they are as far as that is known now.
    ballot.seats.map(({ worker: seated, owner, class: of }) => ({
      ...partyOf(state, seated),
      owner,
      class: of,
    })),
  );
}

/** Whether a machine counts as another than all of these: another owner, and of strangers another network and relay. */
export function isApart(state: Jobs, worker: string, others: readonly string[]): boolean {
  return joins(
    partyOf(state, worker),
    others.map((other) => partyOf(state, other)),
  );
}

/** The rule for a job that waits and that only a stranger could have, who is not trusted to be alone. */
function convert({ state, now }: At, job: Job, worker: string): Emitted[] {
  if (state.ballots.has(job.id) || alone(state, job, worker, now)) return [];
  const { class: machine } = standingOf(state, worker);
  const history = state.histories.get(worker);
  const rule = ruleFor({ machine, class: "pure", history, now, draw: 0 });
  return [emit("replicated@1", { job: job.id, rule: { ...rule, class: "pure" } })];
}

/** Waiting jobs that go to several strangers because no machine is there that could have them alone. */
export function converted(at: At): Emitted[] {
  const { state, views } = at;
  if (state.standings.size === 0 || state.queue.size === 0) return [];
  const idle = [...state.idle.keys()];
  const stranger = idle.find(
    (worker) => standingOf(state, worker).class === "volunteer" && !isAway(state, worker),
  );
  if (stranger === undefined) return [];
  const machine = machineOf(state, views, stranger);
  for (const { first } of state.lanes.values()) {
    const job = state.jobs.get(first);
    if (job && job.leases.length === 0 && fits(job, machine)) {
      const events = convert(at, job, stranger);
      if (events.length > 0) return events;
    }
  }
  return [];
}
