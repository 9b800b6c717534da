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
}

/** The bytes that are framed, hashed and served. */
export function encodeRecord(record: JournalRecord): Buffer {
  const bytes = Buffer.from(canonical(record as unknown as Json));
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
