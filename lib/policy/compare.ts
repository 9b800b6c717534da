import type { PolicyRequest } from "./request.ts";
import type { Decided, PolicySet } from "./set.ts";

/** A request that was made, and whose verdict two sets do not share. */
export interface Change<T> {
  readonly of: T;
  readonly before: Decided;
  readonly after: Decided;
}

function same(a: Decided, b: Decided): boolean {
  if (a.decision !== b.decision || a.needs.length !== b.needs.length) return false;
  return a.needs.length === 0 || JSON.stringify(a.needs) === JSON.stringify(b.needs);
}

/** What would change if `after` were in force instead of `before`; undefined stands for no policies at all. */
export function* compareSets<T>(
  requests: Iterable<readonly [of: T, request: PolicyRequest]>,
  before: PolicySet | undefined,
  after: PolicySet,
): Generator<Change<T>> {
  const open: Decided = { decision: "allow", rules: [], needs: [] };
  for (const [of, request] of requests) {
    const [was, will] = [before?.decide(request) ?? open, after.decide(request)];
    if (!same(was, will)) yield { of, before: was, after: will };
  }
}
