import type { JournalRecord, RecordEvent, Verdict } from "../journal/record.ts";
import type { Decision, Json } from "../namespace/node.ts";
import type { Refused } from "./refusals.ts";

/** A decision that is to become a record. */
export interface Draft {
  readonly subject: string;
  readonly role?: string;
  readonly ticket: readonly string[];
  readonly path: string;
  readonly command: Json;
  readonly provider: string;
  readonly decision: Decision;
  readonly more?: readonly RecordEvent[];
  readonly key?: string | undefined;
  readonly trace?: string | undefined;
  readonly outcome?: string;
  readonly policy?: string;
  readonly verdict?: Verdict;
  readonly undo?: JournalRecord["undo"];
  readonly approved?: string | undefined;
  readonly reason?: string | undefined;
}

/** Where and when a record is written. */
export interface Mark {
  readonly seq: number;
  readonly epoch: number;
  readonly time: number;
  readonly engine: string;
}

function eventsOf({ provider, decision, more }: Draft): RecordEvent[] {
  const own = decision.events.map(({ type, data }) => ({
    t: type.includes(":") ? type : `${provider}:${type}`,
    d: data,
  }));
  return more && more.length > 0 ? [...own, ...more] : own;
}

const accepted = { ok: true } as const;

type Growing = { -readonly [Name in keyof JournalRecord]: JournalRecord[Name] };

/** The record of an accepted decision. */
export function acceptedRecord(draft: Draft, { seq, epoch, time, engine }: Mark): JournalRecord {
  const { subject, role, ticket, path, command, provider, decision, key, outcome, trace } = draft;
  const effects = (decision.effects ?? []).map(({ kind, args }, n) => ({
    id: `${seq}.${n}`,
    kind: `${provider}.${kind}`,
    args,
  }));
  const events = eventsOf(draft);
  const record: Growing = {
    v: 1,
    seq,
    epoch,
    time,
    engine,
    subject,
    ticket,
    path,
    command,
    verdict: draft.verdict ?? accepted,
    policy: draft.policy ?? "none",
    events,
    effects,
  };
  if (role !== undefined) record.role = role;
  if (key !== undefined) record.key = key;
  if (outcome !== undefined) record.outcome = outcome;
  if (trace !== undefined) record.trace = trace;
  if (draft.approved !== undefined) record.approved = draft.approved;
  if (draft.reason !== undefined) record.reason = draft.reason;
  if (draft.undo !== undefined) record.undo = draft.undo;
  return record;
}

/** The record of refusals of one ticket with one reason within a second. */
export function refusedRecord(refused: Refused, mark: Mark): JournalRecord {
  const { subject, role, ticket, path, kind, code, message, count, policy, command, judged } = refused;
  const verdict = { ok: false, kind, code, message, count };
  return {
    v: 1,
    ...mark,
    subject,
    role,
    ticket,
    path,
    command,
    verdict,
    policy,
    events: [],
    effects: [],
    judged,
  };
}
