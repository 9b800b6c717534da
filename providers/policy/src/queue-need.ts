import type { KeptNeed, PolicySlice } from "./model.ts";

/** What the queue has for an act that must present approvals. */
export type Presented =
  | { readonly found: readonly string[] }
  | { readonly denied: string }
  | { readonly missing: number };

/** Looks for approvals of a path; those before the newest denial count no more. Takes nothing. */
export function present(
  { queue }: Pick<PolicySlice, "queue">,
  path: string,
  need: KeptNeed,
  now: number,
): Presented {
  let found: { readonly id: string; readonly subject: string }[] = [];
  let denied: string | undefined;
  for (const [id, { target, decision, state, expires, role, subject }] of queue.entries()) {
    if (target !== path || state !== "queued" || expires <= now) continue;
    if (decision === "deny") {
      denied = id;
      found = [];
    } else if (need.role === undefined || need.role === role) {
      denied = undefined;
      // One person is one voice where several are asked for.
      if (need.approvals === 1 || !found.some((other) => other.subject === subject))
        found.push({ id, subject });
    }
  }
  if (denied !== undefined) return { denied };
  if (found.length < need.approvals) return { missing: need.approvals - found.length };
  return { found: found.slice(0, need.approvals).map(({ id }) => id) };
}
