import type { Deciding, Decision, Json } from "@skep/kernel";
import { type Cas, emit, type Reason, reasons, type Retention } from "./state.ts";

export type { Retention } from "./state.ts";

const day = 86_400_000;

/** What is kept where nobody says anything. */
export const standardRetention: Retention = {
  outputsAge: 30 * day,
  outputsSize: 10 * 1000 ** 3,
  jobsAge: 90 * day,
};

/** Blobs that one record lets go at most, so that it stays far below its limit. */
const batch = 96;
/** Blobs that a look at what would go counts at most. */
const mostCounted = 50_000;

/** Other slices that decide. */
export interface Uses {
  readonly leases: {
    opens(subject: string, digest: string): boolean;
    /** Every digest that a queued or running job names. */
    named(): ReadonlySet<string>;
  };
}

type Plan = { readonly [R in Reason]: string[] } & {
  readonly dropped: string[];
  readonly kept: string[];
  bytes: number;
  more: boolean;
};

/** What was stored stays at least so long, milliseconds: the job that names it comes after it. */
const leastFresh = 3_600_000;

/** Who was just told to go on from it gets so long to fetch it, milliseconds. */
const staleAge = 60_000;

function keepTime({ outputsAge, jobsAge }: Retention, reason: Reason): number {
  if (reason === "named") return jobsAge;
  if (reason === "stale") return staleAge;
  return reason === "fresh" ? Math.max(outputsAge, leastFresh) : outputsAge;
}

// Digests whose reason no longer holds, oldest first; outputs also while they are too many bytes together.
function* due(cas: Cas, retention: Retention, reason: Reason, now: number): Generator<string> {
  let over = reason === "outputs" ? cas.outputBytes.get() - retention.outputsSize : 0;
  const keep = keepTime(retention, reason);
  for (const [digest, since] of cas[reason].entries()) {
    if (since + keep > now && over <= 0) return;
    over -= cas.blobs.get(digest)?.size ?? 0;
    yield digest;
  }
}

/** What a sweep would do now, of at most so many reasons. */
export function planOf(cas: Cas, uses: Uses, retention: Retention, now: number, most: number): Plan {
  const plan: Plan = {
    fresh: [],
    outputs: [],
    named: [],
    stale: [],
    dropped: [],
    kept: [],
    bytes: 0,
    more: false,
  };
  const gone = new Map<string, Set<Reason>>();
  let seen = 0;
  for (const reason of reasons)
    for (const digest of due(cas, retention, reason, now)) {
      if (seen === most) {
        plan.more = true;
        break;
      }
      seen += 1;
      plan[reason].push(digest);
      const without = gone.get(digest) ?? new Set();
      gone.set(digest, without.add(reason));
    }
  // Walking all live jobs is dear, so only where something would go.
  const live = gone.size > 0 ? uses.leases.named() : new Set();
  for (const [digest, without] of gone) {
    if (reasons.some((reason) => cas[reason].has(digest) && !without.has(reason))) continue;
    if (live.has(digest)) plan.kept.push(digest);
    else {
      plan.dropped.push(digest);
      plan.bytes += cas.blobs.get(digest)?.size ?? 0;
    }
  }
  return plan;
}

/** What a sweep would let go now, as those see it who sign for it. */
export function droppedNow(
  { state, views, now }: Pick<Deciding<Cas, Uses>, "state" | "views" | "now">,
  retention: Retention,
): readonly string[] {
  return planOf(state, views, retention, now, batch).dropped;
}

/** Lets one batch go; undefined when nothing is due. */
export function sweep(
  { state, views, now }: Pick<Deciding<Cas, Uses>, "state" | "views" | "now">,
  retention: Retention,
): Decision | undefined {
  const plan = planOf(state, views, retention, now, batch);
  const { fresh, outputs, named, stale, dropped, kept, bytes, more } = plan;
  if (fresh.length + outputs.length + named.length + stale.length === 0) return undefined;
  return {
    events: [
      emit("aged@1", { fresh, outputs, named, ...(stale.length > 0 ? { stale } : {}), more }),
      ...(kept.length > 0 ? [emit("kept@1", { digests: kept })] : []),
      ...(dropped.length > 0 ? [emit("dropped@1", { digests: dropped })] : []),
    ],
    effects: dropped.map((digest) => ({ kind: "unlink", args: { digest } })),
    result: { blobs: dropped.length, bytes, more },
  };
}

/** When the next sweep is due: once a day, at once while there is too much output; undefined for never. */
export function nextSweep(cas: Cas, retention: Retention): number | undefined {
  const { at, more } = cas.swept.get();
  if (more || cas.outputBytes.get() > retention.outputsSize) return 0;
  let first = Number.POSITIVE_INFINITY;
  let soon = Number.POSITIVE_INFINITY;
  for (const reason of reasons) {
    const digest = cas[reason].first();
    if (digest !== undefined && reason === "stale") soon = (cas.stale.get(digest) ?? 0) + staleAge;
    else if (digest !== undefined)
      first = Math.min(first, (cas[reason].get(digest) ?? 0) + keepTime(retention, reason));
  }
  const daily = first === Number.POSITIVE_INFINITY ? first : Math.max(first, at + day);
  const next = Math.min(soon, daily);
  return next === Number.POSITIVE_INFINITY ? undefined : next;
}

/** What is kept, and what a sweep would let go now; changes nothing. */
export function retentionJson(
  cas: Cas,
  uses: Uses,
  retention: Retention,
  now: number,
): { [name: string]: Json } {
  const { dropped, bytes, kept, more } = planOf(cas, uses, retention, now, mostCounted);
  return {
    blobs: cas.blobs.size,
    output_bytes: cas.outputBytes.get(),
    due_blobs: dropped.length,
    due_bytes: bytes,
    due_more: more,
    named_by_live_jobs: kept.length,
    oldest: dropped.slice(0, 100).map((digest) => {
      const { size = 0, stored = 0 } = cas.blobs.get(digest) ?? {};
      return { digest, size, stored };
    }),
    last_sweep: cas.swept.get().at,
  };
}
