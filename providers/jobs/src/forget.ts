import type { Decision, Emitted } from "@skep/kernel";
import { emit, type Told } from "./events.ts";
import { forgetMost, type Job, type Jobs, keepEnded } from "./model.ts";

// Jobs that were cancelled or that nobody took end in numbers: a whole batch of them goes at once.
const most = keepEnded + forgetMost;

/** When the first ended job may leave state; undefined for never. */
export function nextForgotten({ ended }: Jobs, keep: number): number | undefined {
  if (ended.size > most) return 0;
  const first = ended.first();
  return first === undefined ? undefined : (ended.get(first) ?? 0) + keep;
}

/** Ends that no record of the job's own tells. */
const untold: ReadonlySet<string> = new Set(["lost", "expired", "deadline", "needs"]);

function told({ state, end, endedAt, array }: Job): Told | undefined {
  const own = untold.has(end?.reason ?? "") || (end !== null && array !== "" && state === "canceled");
  return end && own ? { state, reason: end.reason, message: end.message, at: endedAt } : undefined;
}

/** These jobs leave state; how one ended that nobody reported is told here, where the index finds it. */
export function forgetting({ jobs }: Jobs, ids: readonly string[]): Emitted {
  const ends: Record<string, Told> = {};
  for (const id of ids) {
    const job = jobs.get(id);
    const end = job && told(job);
    if (end) ends[id] = end;
  }
  return emit("forgotten@1", { jobs: ids, ...(Object.keys(ends).length > 0 ? { told: ends } : {}) });
}

/** Adds to a decision that jobs which ended so long ago, or are too many, leave state; the journal still has them, by the index. */
export function forget(
  state: Jobs,
  keep: number,
  now: number,
  due: Decision | undefined,
): Decision | undefined {
  const over: string[] = [];
  const surplus = state.ended.size > most ? state.ended.size - keepEnded : 0;
  for (const [id, time] of state.ended.entries()) {
    if (state.held.has(id)) continue;
    if ((time + keep > now && over.length >= surplus) || over.length === forgetMost) break;
    over.push(id);
  }
  if (over.length === 0) return due;
  return { ...due, events: [...(due?.events ?? []), forgetting(state, over)] };
}
