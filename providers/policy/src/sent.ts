import { judge, keyRotation, parseStatement } from "@skep/statement";
import { fault } from "./faults.ts";
import type { Action, PolicySlice } from "./model.ts";
import type { Enrolment } from "./signers.ts";

/** What was signed elsewhere and came back. */
export interface Sent {
  readonly statement: string;
  readonly signature: string;
}

/** The key of the first line in which two statements differ. */
function differing(one: string, other: string): string {
  const lines = other.split("\n");
  const line = one.split("\n").find((text, at) => text !== lines[at]) ?? lines.at(-1) ?? "";
  return line.split(": ", 1)[0] ?? "";
}

/** Whether an action that ran was approved by a statement with this nonce. */
function isBurnt({ actions }: PolicySlice, nonce: string): boolean {
  for (const { state, statement } of actions.values())
    if (state === "ran" && statement.includes(`\nnonce: ${nonce}\n`)) return true;
  return false;
}

/**
 * Throws what is wrong with a statement that is not the action's own: `statement.wrong-hive`, `.replayed`, `.wrong-act`,
 * `.wrong-target`, `.wrong-parameters`, `.changed-target`, `.not-yet-valid`, `.expired`, `.wrong-role`, what is wrong with
 * its signature, and `policy.statement` for every other difference.
 */
export function checkSent(
  { statement, signature }: Sent,
  action: Action,
  enrolment: Enrolment,
  { state, now }: { readonly state: PolicySlice; readonly now: number },
): void {
  if (statement === action.statement) return;
  const due = parseStatement(action.statement);
  const { hive, act, target, targetIdentity, targetDigest, parameters, role } = due;
  judge(statement, [signature], {
    ...enrolment.context(now),
    hive,
    act,
    parameters,
    target: { path: target, identity: targetIdentity, digest: targetDigest },
    ...(act === keyRotation ? {} : { role }),
    burnt: (nonce) => nonce !== due.nonce && isBurnt(state, nonce),
  });
  throw fault.statement(differing(statement, action.statement));
}
