import { waitingAnswer } from "../gate/checks.ts";
import type { Answer, Intent } from "../gate/intent.ts";
import type { Deciding, Json } from "../namespace/node.ts";
import { policyProvider } from "./approved.ts";
import { consumedBy, inverseOf } from "./consequences.ts";
import type { Draft } from "./drafts.ts";

function draftOf({
  actor,
  found,
  stored,
  trace,
  policy,
  reason,
  approved,
}: Intent): Omit<Draft, "provider" | "decision"> {
  const { subject, role } = actor.authority;
  const { path } = found;
  return {
    subject,
    role,
    ticket: actor.caller.blocks,
    path,
    command: stored,
    trace,
    policy,
    reason,
    approved,
  };
}

/** What becomes of an intent that passed every check: its provider decides. Throws the fault of a refusal. */
export function decided(
  intent: Intent,
  deciding: Deciding,
  provider: string,
): { readonly draft: Draft; readonly result: Json } {
  const decision = intent.node.decide(intent.command as never, deciding as Deciding<never, never>);
  const result = decision.result ?? null;
  const undo = inverseOf(intent, deciding as Deciding<never, never>, result);
  const draft = {
    ...draftOf(intent),
    provider,
    decision,
    more: consumedBy(intent, result),
    key: intent.key,
    ...(undo && { undo }),
  };
  return { draft, result };
}

/** What becomes of one that waits for approvals: what could not run now is refused now. */
export function waiting(
  intent: Intent,
  deciding: Deciding,
): { readonly draft: Draft; readonly answer: Answer } {
  const { node, waits = [] } = intent;
  node.decide(intent.command as never, deciding as Deciding<never, never>);
  const answer = waitingAnswer(String(deciding.next));
  const { kind = "", code = "", message = "" } = answer;
  const verdict = { ok: false, kind, code, message };
  return {
    draft: { ...draftOf(intent), provider: policyProvider, decision: { events: waits }, verdict },
    answer,
  };
}
