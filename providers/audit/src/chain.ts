import type { JournalRecord, Json, RecordEvent } from "@skep/kernel";

/** Where the chain is read from; the app gives the journal and its index. */
export interface ChainSource {
  /** All sequences below this one are durable. */
  readonly durable: () => number;
  record(seq: number): Promise<JournalRecord>;
  /** Newest records below a sequence that changed a path, newest first. */
  touched(path: string, below: number, count: number): Promise<readonly number[]>;
  /** The record that ended an effect. */
  outcome(effect: string): Promise<number | undefined>;
  /** C2SP tlog-proof that a record is in the log. */
  proof(seq: number): Promise<string>;
}

/** What a record is in a chain, from the ticket to the receipt. */
export type Part =
  | "ticket"
  | "cause"
  | "policy"
  | "asked"
  | "approval"
  | "decision"
  | "effect"
  | "outcome"
  | "change"
  | "receipt";

/** One link: what it is, in words, and the record that tells it. */
export interface Link {
  readonly part: Part;
  readonly text: string;
  /** The record that tells it; absent where the deciding record itself does. */
  readonly seq?: number;
  readonly time?: number;
  readonly detail?: Json;
}

/** Most links of one part: what is beyond is told as a number. */
export const mostLinks = 16;

type Detail = Readonly<Record<string, Json | undefined>>;

/** The data of an event as an object. */
export function dataOf({ d }: RecordEvent): Detail {
  return typeof d === "object" && d !== null && !Array.isArray(d) ? (d as Detail) : {};
}

/** The first event of a type, of whatever version. */
export function eventOf(record: JournalRecord, type: string): Detail | undefined {
  const event = record.events.find(({ t }) => t === type || t.startsWith(`${type}@`));
  return event && dataOf(event);
}

/** A text of an event; empty where it has none. */
export function textOf(detail: Detail | undefined, name: string): string {
  const value = detail?.[name];
  return typeof value === "string" ? value : typeof value === "number" ? String(value) : "";
}

/** What a record's command does, in one word. */
export function actName({ command, path }: JournalRecord): string {
  if (typeof command === "object" && command !== null && !Array.isArray(command)) {
    const told = command as Detail;
    if (typeof told.op === "string") return told.op;
    // A line of the queue says what it decides, or comments.
    if (typeof told.decision === "string") return told.decision;
    if (typeof told.comment === "string") return "comment";
    const [first] = Object.keys(told);
    return first ?? "write";
  }
  return command === null
    ? "command"
    : path.endsWith("ctl")
      ? String(command).split(" ", 1)[0] || "write"
      : "write";
}

/** The types of a record's events, without versions. */
export function eventNames({ events }: JournalRecord): string {
  const names = [...new Set(events.map(({ t }) => t.replace(/@\d+$/, "")))];
  return names.length === 0 ? "nothing changed" : names.join(", ");
}
