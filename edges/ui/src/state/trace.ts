import type { HiveState } from "./hive.ts";

/** The trace that a W3C trace context belongs to; any other text is a trace of its own. */
export function traceOf(context: string): string {
  return /^[\da-f]{2}-([\da-f]{32})-/.exec(context)?.[1] ?? context;
}

/** A command of a trace. */
export interface Step {
  readonly seq: number;
  readonly time: number;
  readonly subject: string;
  readonly path: string;
  readonly verdict: string;
}

/** Everything that one request led to, as far as it is remembered, in the order in which it was judged. */
export function chainOf(context: string, { acts, refusals }: HiveState): readonly Step[] {
  const wanted = traceOf(context);
  const refused = refusals.all.map((one) => ({ ...one, verdict: one.code }));
  return [...acts.all, ...refused]
    .filter(({ trace }) => trace !== undefined && traceOf(trace) === wanted)
    .sort((a, b) => a.seq - b.seq);
}
