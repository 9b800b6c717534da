import type { JournalRecord, RecordEvent } from "../journal/record.ts";
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
  return more ? [...own, ...more] : own;
}

/** The record of an accepted decision. */
export function acceptedRecord(draft: Draft, mark: Mark): JournalRecord {
  const effects = draft.decision.effects ?? [];
  return {
    v: 1,
    ...mark,
    subject: draft.subject,
    ...(draft.role === undefined ? {} : { role: draft.role }),
    ticket: draft.ticket,
    path: draft.path,
    command: draft.command,
    verdict: { ok: true },
    policy: "none",
    events: eventsOf(draft),
    effects: effects.map(({ kind, args }, n) => ({
      id: `${mark.seq}.${n}`,
      kind: `${draft.provider}.${kind}`,
      args,
    })),
    ...(draft.key === undefined ? {} : { key: draft.key }),
    ...(draft.outcome === undefined ? {} : { outcome: draft.outcome }),
    ...(draft.trace === undefined ? {} : { trace: draft.trace }),
  };
}

/** The record of refusals of one ticket with one reason within a second. */
export function refusedRecord(refused: Refused, mark: Mark): JournalRecord {
  const { subject, role, ticket, path, kind, code, message, count } = refused;
  const verdict = { ok: false, kind, code, message, count };
  return {
    v: 1,
    ...mark,
    subject,
    role,
    ticket,
    path,
    command: null,
    verdict,
    policy: "none",
    events: [],
    effects: [],
  };
}
