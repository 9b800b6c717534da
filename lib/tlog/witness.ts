import { toFault } from "@skep/fault";
import { type Checkpoint, parseCheckpoint } from "./checkpoint.ts";
import { decodeDecimal, decodeText, encodeBase64, sameBytes } from "./encoding.ts";
import { fault } from "./faults.ts";
import { checkSize, emptyRoot } from "./hash.ts";
import { maxNoteLength, type Note, parseNote, type Verifier, verifyNote } from "./note.ts";
import { maxProofHashes, parseHashLines } from "./tlog-proof.ts";
import { verifyConsistency } from "./verify-proof.ts";

/** Body of `add-checkpoint`, C2SP tlog-witness v1.0.0. */
export interface AddCheckpoint {
  /** Size of the checkpoint that the witness is thought to have. */
  readonly oldSize: number;
  /** Consistency proof from there. */
  readonly proof: readonly Uint8Array[];
  /** The signed checkpoint. */
  readonly checkpoint: string;
}

/** The request as text. */
export function printAddCheckpoint({ oldSize, proof, checkpoint }: AddCheckpoint): string {
  checkSize(oldSize);
  if (proof.length > maxProofHashes) throw fault.request(`${proof.length} hashes`);
  return [`old ${oldSize}`, ...proof.map(encodeBase64), "", checkpoint].join("\n");
}

/** Reads a request; throws `tlog.request`. The checkpoint in it is not looked at. */
export function parseAddCheckpoint(source: string | Uint8Array): AddCheckpoint {
  if (source.length > 2 * maxNoteLength) throw fault.noteTooLong(`${source.length} characters`);
  const text = decodeText(source);
  const blank = text?.indexOf("\n\n") ?? -1;
  if (text === undefined || blank < 0) throw fault.request("no empty line");
  const [first = "", ...lines] = text.slice(0, blank).split("\n");
  const oldSize = first.startsWith("old ") ? decodeDecimal(first.slice("old ".length)) : undefined;
  if (oldSize === undefined) throw fault.request("old size");
  const proof = parseHashLines(lines);
  if (!proof) throw fault.request("consistency proof");
  return { oldSize, proof, checkpoint: text.slice(blank + 2) };
}

/** What a witness remembers of a log: the newest checkpoint that it cosigned. */
export interface WitnessRecord {
  readonly size: number;
  readonly root: Uint8Array;
  /** When, in seconds since 1970 UTC. */
  readonly time: number;
}

/** What a witness knows of a log. */
export interface WitnessedLog {
  readonly verifiers: readonly Verifier[];
  /** Absent before the first cosignature. */
  readonly latest?: WitnessRecord;
}

/** What to answer, and for 200 what to keep before answering. Statuses are those of tlog-witness. */
export type WitnessDecision =
  | {
      readonly status: 200;
      readonly origin: string;
      /** To be made durable before the cosignature leaves, atomically with the decision. */
      readonly record: WitnessRecord;
      /** The text to cosign at `record.time`. */
      readonly text: string;
    }
  | {
      readonly status: 409;
      readonly reason: string;
      readonly body: string;
      readonly contentType: "text/x.tlog.size";
      /** The log signed two roots for one size: keep the request as evidence. */
      readonly fork: boolean;
    }
  | { readonly status: 400 | 403 | 404 | 422; readonly reason: string };

const reasonOf = (thrown: unknown) => toFault(thrown).message;

function unsigned(thrown: unknown): WitnessDecision {
  return { status: 403, reason: `invalid signature: ${reasonOf(thrown)}` };
}

function conflict(size: number, fork: boolean): WitnessDecision {
  const reason = fork ? "another root of the same size was cosigned" : `the latest size is ${size}`;
  return { status: 409, reason, body: `${size}\n`, contentType: "text/x.tlog.size", fork };
}

function checkConsistency({ oldSize, proof }: AddCheckpoint, old: Uint8Array, next: Checkpoint): void {
  if (oldSize === 0 || oldSize === next.size) {
    if (proof.length > 0) throw fault.proof("too many hashes");
  } else {
    verifyConsistency(oldSize, next.size, old, next.root, proof);
  }
}

function decide(
  request: AddCheckpoint,
  { text, next }: { readonly text: string; readonly next: Checkpoint },
  latest: WitnessRecord | undefined,
  now: number,
): WitnessDecision {
  const size = latest?.size ?? 0;
  const root = latest && size > 0 ? latest.root : emptyRoot();
  if (request.oldSize > next.size) return { status: 400, reason: "the old size is above the checkpoint's" };
  if (request.oldSize !== size) return conflict(size, false);
  if (next.size === size && !sameBytes(next.root, root)) return conflict(size, true);
  try {
    checkConsistency(request, root, next);
  } catch (thrown) {
    return { status: 422, reason: `consistency proof: ${reasonOf(thrown)}` };
  }
  // A cosignature says "newest as of then": a clock that went back must not make it older than the last.
  const time = Math.max(now, latest?.time ?? 0);
  return { status: 200, origin: next.origin, record: { size: next.size, root: next.root, time }, text };
}

/**
 * Decides an `add-checkpoint` request; changes nothing itself. `logs` finds a log by its origin, `now` is in
 * seconds since 1970 UTC. The caller keeps the record, then answers `signatureLines(text, [cosigner])`.
 */
export function addCheckpoint(
  body: string | Uint8Array,
  logs: (origin: string) => WitnessedLog | undefined,
  now: number,
): WitnessDecision {
  let request: AddCheckpoint;
  let note: Note;
  let next: Checkpoint;
  try {
    request = parseAddCheckpoint(body);
    note = parseNote(request.checkpoint);
    next = parseCheckpoint(note.text);
  } catch (thrown) {
    // A line that is no signature cannot verify: 403 by the published request sequence.
    if (toFault(thrown).code === "tlog.signatureLine") return unsigned(thrown);
    return { status: 400, reason: reasonOf(thrown) };
  }
  const log = logs(next.origin);
  if (!log) return { status: 404, reason: "unknown log" };
  try {
    verifyNote(note, log.verifiers);
  } catch (thrown) {
    return unsigned(thrown);
  }
  return decide(request, { text: note.text, next }, log.latest, now);
}
