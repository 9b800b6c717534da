import { parseStatement } from "@skep/statement";
import type { Action, Approval, KeptNeed } from "./model.ts";
import type { Enrolment } from "./signers.ts";

/** The part of an action that its approvals are counted against. */
export type Approvable = Pick<Action, "subject" | "blocks" | "statement" | "approvals">;

/** The people who approved, each under all names they may have; people who share a name are one. */
function people(names: readonly (readonly string[])[]): number {
  let groups: readonly ReadonlySet<string>[] = [];
  for (const own of names) {
    const touching = groups.filter((group) => own.some((name) => group.has(name)));
    groups = [
      ...groups.filter((group) => !touching.includes(group)),
      new Set([...own, ...touching.flatMap((group) => [...group])]),
    ];
  }
  return groups.length;
}

/** Whether a ticket is the requester's own, or was made from it. */
export function isOwnTicket(
  action: Pick<Action, "subject" | "blocks">,
  { subject, blocks }: { readonly subject: string; readonly blocks: readonly string[] },
): boolean {
  return subject === action.subject || action.blocks.some(({ id }) => blocks.includes(id));
}

function namesOfSigner(
  action: Approvable,
  need: KeptNeed,
  { signature }: Approval,
  enrolment: Enrolment | undefined,
  now: number,
): readonly string[] | undefined {
  if (!enrolment || signature === "") return undefined;
  try {
    const { role } = parseStatement(action.statement);
    const { owners, fingerprint } = enrolment.judge(signature, action.statement, role, now);
    if (!need.self && enrolment.isOf(fingerprint, owners, action.subject)) return undefined;
    return need.role === undefined || enrolment.hasRole(owners, need.role) ? owners : undefined;
  } catch {
    // It counted when it came; its key has been revoked, or is enrolled no more.
    return undefined;
  }
}

function namesOf(
  action: Approvable,
  need: KeptNeed,
  approval: Approval,
  enrolment: Enrolment | undefined,
  now: number,
): readonly string[] | undefined {
  if (approval.at + need.ttl <= now) return undefined;
  if (need.by === "signer") return namesOfSigner(action, need, approval, enrolment, now);
  const [subject = ""] = approval.owners;
  if (approval.signature !== "" || (need.role !== undefined && approval.role !== need.role)) return undefined;
  return !need.self && isOwnTicket(action, { subject, blocks: approval.blocks }) ? undefined : [subject];
}

/** When an approved action may start: for a while a person can still take back what cannot be undone; machines wait for nothing. */
export function startOf(
  { class: kind, role }: Pick<Action, "class" | "role">,
  approved: number,
  grace: number,
): number {
  return approved + (kind === "irreversible" && role === "queen" ? grace : 0);
}

/** How many people's approvals count for a need at a time. */
export function countFor(
  action: Approvable,
  need: KeptNeed,
  enrolment: Enrolment | undefined,
  now: number,
): number {
  return people(
    action.approvals
      .flatMap((each) => [namesOf(action, need, each, enrolment, now) ?? []])
      .filter((own) => own.length > 0),
  );
}

/** Whether all needs of the kind that waits are met. */
export function isMet(
  action: Approvable,
  needs: readonly KeptNeed[],
  enrolment: Enrolment | undefined,
  now: number,
): boolean {
  return needs
    .filter(({ mode }) => mode === "wait")
    .every((need) => countFor(action, need, enrolment, now) >= need.approvals);
}
