import { decodeBase64, decodeDecimal, encodeBase64 } from "./encoding.ts";
import { fault } from "./faults.ts";
import { checkSize, hashSize } from "./hash.ts";
import { parseNote, type Verified, type Verifier, verifyNote } from "./note.ts";

/** The body of a checkpoint note, C2SP tlog-checkpoint v1.0.0. */
export interface Checkpoint {
  readonly origin: string;
  /** Number of leaves. */
  readonly size: number;
  /** Root hash, 32 bytes. */
  readonly root: Uint8Array;
  /** Opaque lines after the root, without newlines; nobody audits them. */
  readonly extensions: readonly string[];
}

/**
 * Reads a checkpoint's text (without signatures); throws `tlog.checkpoint` on any deviation, a size beyond
 * 2^53-1 included. `rootSize` is the root's length in bytes, or `any` to leave it to the caller.
 */
export function parseCheckpoint(text: string, rootSize: number | "any" = hashSize): Checkpoint {
  if (!text.endsWith("\n")) throw fault.checkpoint("no newline at the end");
  const lines = text.slice(0, -1).split("\n");
  if (lines.length < 3 || lines.includes("")) throw fault.checkpoint("missing or empty line");
  const [origin = "", sizeLine = "", rootLine = "", ...extensions] = lines;
  const size = decodeDecimal(sizeLine);
  if (size === undefined) throw fault.checkpoint(`size ${sizeLine}`);
  const root = decodeBase64(rootLine);
  if (!root || root.length === 0) throw fault.checkpoint("root is not base64");
  if (rootSize !== "any" && root.length !== rootSize) throw fault.checkpoint(`root of ${root.length} bytes`);
  return { origin, size, root, extensions };
}

/** The text of a checkpoint, ready to be signed; extensions may be left out. */
export function printCheckpoint(
  checkpoint: Omit<Checkpoint, "extensions"> & { readonly extensions?: readonly string[] },
): string {
  const { origin, size, root, extensions = [] } = checkpoint;
  checkSize(size);
  if (root.length !== hashSize) throw fault.hash(root.length);
  const lines = [origin, String(size), encodeBase64(root), ...extensions];
  const bad = lines.find((line) => line === "" || /[\0-\x1f]/.test(line) || !line.isWellFormed());
  if (bad !== undefined) throw fault.checkpoint(bad);
  return `${lines.join("\n")}\n`;
}

/** Whom to believe about a checkpoint. */
export interface Trust {
  /** Keys of logs; one of them must have signed. */
  readonly logs: readonly Verifier[];
  /** Keys of witnesses whose cosignatures count. */
  readonly witnesses?: readonly Verifier[];
  /** Whether these witnesses suffice; without it none are needed. */
  readonly quorum?: (cosigned: readonly Verifier[]) => boolean;
  /** The origin that is due; without it, the name of the log key that signed. */
  readonly origin?: string;
}

/** A checkpoint that was signed as asked. */
export interface OpenedCheckpoint {
  readonly checkpoint: Checkpoint;
  /** The note's text, as signed. */
  readonly text: string;
  /** Signatures by known keys, all of them right. */
  readonly verified: readonly Verified[];
}

/** Verifies a signed checkpoint against `trust` and reads it; throws what is wrong with it. */
export function openCheckpoint(source: string | Uint8Array, trust: Trust): OpenedCheckpoint {
  const note = parseNote(source);
  const witnesses = trust.witnesses ?? [];
  const verified = verifyNote(note, [...trust.logs, ...witnesses]);
  const checkpoint = parseCheckpoint(note.text);
  const byLog = verified.filter(({ verifier }) => trust.logs.includes(verifier));
  if (byLog.length === 0) throw fault.unsigned();
  const due = trust.origin === undefined ? byLog.map(({ name }) => name) : [trust.origin];
  if (!due.includes(checkpoint.origin)) throw fault.origin(checkpoint.origin);
  const cosigned = verified.map(({ verifier }) => verifier).filter((one) => witnesses.includes(one));
  if (trust.quorum && !trust.quorum([...new Set(cosigned)])) throw fault.quorum();
  return { checkpoint, text: note.text, verified };
}
