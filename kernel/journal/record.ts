import { canonical } from "@skep/canon";
import type { Json } from "../namespace/node.ts";
import { fault } from "./faults.ts";

/** An event in a record: `provider:type@version` and its data. */
export interface RecordEvent {
  readonly t: string;
  readonly d: Json;
}

/** An effect in a record; its id is `sequence.n`. */
export interface RecordEffect {
  readonly id: string;
  readonly kind: string;
  readonly args: Json;
}

/** The answer that was given. */
export interface Verdict {
  readonly ok: boolean;
  readonly kind?: string;
  readonly code?: string;
  readonly message?: string;
  /** How many refusals of one ticket and reason within a second this record stands for. */
  readonly count?: number;
}

/** One record of the journal, before it becomes canonical JSON (RFC 8785). */
export interface JournalRecord {
  readonly v: 1;
  readonly seq: number;
  /** Writer epoch: grows by one with each start. */
  readonly epoch: number;
  /** Milliseconds since 1970; never below that of an earlier record. */
  readonly time: number;
  readonly subject: string;
  /** Role of the ticket; absent for the system. */
  readonly role?: string;
  /** Block ids of the ticket, root first; empty for the system. */
  readonly ticket: readonly string[];
  readonly path: string;
  readonly command: Json;
  readonly key?: string;
  readonly verdict: Verdict;
  readonly policy: string;
  readonly engine: string;
  readonly events: readonly RecordEvent[];
  readonly effects: readonly RecordEffect[];
  /** The effect that this record ends. */
  readonly outcome?: string;
  readonly trace?: string;
  /** The waiting intent that ran as this record. */
  readonly approved?: string;
  /** Why, in the words of whoever asked. */
  readonly reason?: string;
  /** Of a refusal: the sequence that would have come next, and the time, when it was judged first within its second. */
  readonly judged?: { readonly seq: number; readonly time: number };
  /** The command that takes a reversible act back. */
  readonly undo?: { readonly path: string; readonly command: Json };
}

// Sessions keep the array of their ticket's blocks, so its text is made once for each.
const tickets = new WeakMap<readonly string[], string>();

function ticketText(ticket: readonly string[]): string {
  let text = tickets.get(ticket);
  if (text === undefined) {
    text = canonical(ticket);
    tickets.set(ticket, text);
  }
  return text;
}

// Subjects, paths and types come again and again.
const most = 2048;
const names = new Map<string, string>();

function nameText(name: string): string {
  const known = names.get(name);
  if (known !== undefined) return known;
  const text = canonical(name);
  if (names.size >= most) names.clear();
  if (name.length <= 255) names.set(name, text);
  return text;
}

function listText<T>(items: readonly T[], text: (item: T) => string): string {
  return items.length === 0 ? "[]" : `[${items.map(text).join(",")}]`;
}

const eventText = ({ t, d }: RecordEvent): string => `{"d":${canonical(d)},"t":${nameText(t)}}`;
const effectText = ({ id, kind, args }: RecordEffect): string =>
  `{"args":${canonical(args)},"id":${canonical(id)},"kind":${nameText(kind)}}`;

/** An optional member and the comma before it. */
function member(name: string, value: string | undefined): string {
  return value === undefined ? "" : `,"${name}":${canonical(value)}`;
}

/** Canonical JSON of a record. Its own keys stand here in their order already, so that only what providers and clients gave is sorted. */
function recordText(record: JournalRecord): string {
  const { approved, command, effects, engine, epoch, events, judged, key, outcome, path, policy } = record;
  const { reason, role, seq, subject, ticket, time, trace, undo, v, verdict } = record;
  const ok = verdict.ok && Object.keys(verdict).length === 1;
  return (
    `{${approved === undefined ? "" : `"approved":${canonical(approved)},`}"command":${canonical(command)},"effects":${listText(effects, effectText)},"engine":${nameText(engine)}` +
    `,"epoch":${epoch},"events":${listText(events, eventText)}` +
    `${judged === undefined ? "" : `,"judged":${canonical(judged)}`}${member("key", key)}${member("outcome", outcome)}` +
    `,"path":${nameText(path)},"policy":${nameText(policy)}${member("reason", reason)}${role === undefined ? "" : `,"role":${nameText(role)}`},"seq":${seq}` +
    `,"subject":${nameText(subject)},"ticket":${ticketText(ticket)},"time":${time}` +
    `${member("trace", trace)}${undo === undefined ? "" : `,"undo":${canonical(undo)}`},"v":${v},"verdict":${ok ? '{"ok":true}' : canonical(verdict)}}`
  );
}

/** The bytes that are framed, hashed and served. */
export function encodeRecord(record: JournalRecord): Buffer {
  const bytes = Buffer.from(recordText(record));
  if (bytes.length > 65_535) throw fault.oversize(record.path);
  return bytes;
}

/** A record read back; only bytes whose CRC held come here, so a misfit is damage. */
export function decodeRecord(bytes: Uint8Array): JournalRecord {
  const record = JSON.parse(
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(),
  ) as JournalRecord;
  if (record.v !== 1 || !Number.isSafeInteger(record.seq)) throw fault.shape();
  return record;
}
