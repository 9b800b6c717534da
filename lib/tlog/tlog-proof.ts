import { type OpenedCheckpoint, openCheckpoint, type Trust } from "./checkpoint.ts";
import { decodeBase64, decodeDecimal, decodeHash, decodeText, encodeBase64 } from "./encoding.ts";
import { fault } from "./faults.ts";
import { checkHash, checkSize } from "./hash.ts";
import { maxNoteLength } from "./note.ts";
import { verifyInclusion } from "./verify-proof.ts";

const header = "c2sp.org/tlog-proof@v1";

/** Most hashes that a proof can have: a tree of 2^63 leaves. */
export const maxProofHashes = 63;

/** A proof, checkable offline, that one entry is in a log; C2SP tlog-proof. */
export interface TlogProof {
  /** Index of the entry, from 0. */
  readonly index: number;
  /** Audit path, the leaf's sibling first. */
  readonly hashes: readonly Uint8Array[];
  /** The signed checkpoint, as it was published. */
  readonly checkpoint: string;
  /** Opaque bytes that nothing authenticates. */
  readonly extra?: Uint8Array;
}

/** Reads base64 hashes, one a line; undefined if any is wrong or there are more than 63. */
export function parseHashLines(lines: readonly string[]): Uint8Array[] | undefined {
  if (lines.length > maxProofHashes) return undefined;
  const hashes: Uint8Array[] = [];
  for (const line of lines) {
    const hash = decodeHash(line);
    if (!hash) return undefined;
    hashes.push(hash);
  }
  return hashes;
}

/** The proof as text, for a file named `.tlog-proof`. */
export function printTlogProof({ index, hashes, checkpoint, extra }: TlogProof): string {
  checkSize(index);
  for (const hash of hashes) checkHash(hash);
  const lines = [header];
  if (extra && extra.length > 0) lines.push(`extra ${encodeBase64(extra)}`);
  lines.push(`index ${index}`, ...hashes.map(encodeBase64), "", checkpoint);
  return lines.join("\n");
}

function parseExtra(line: string): Uint8Array {
  const extra = decodeBase64(line.slice("extra ".length));
  if (!extra || extra.length === 0) throw fault.proofText("extra");
  return extra;
}

/** Reads a tlog-proof; throws `tlog.proofText`. The checkpoint in it is not looked at. */
export function parseTlogProof(source: string | Uint8Array): TlogProof {
  if (source.length > 2 * maxNoteLength) throw fault.noteTooLong(`${source.length} characters`);
  const text = decodeText(source);
  const blank = text?.indexOf("\n\n") ?? -1;
  if (text === undefined || blank < 0) throw fault.proofText("no empty line");
  const [first, ...lines] = text.slice(0, blank).split("\n");
  if (first !== header) throw fault.proofText("header");
  const extra = lines[0]?.startsWith("extra ") ? parseExtra(lines.shift() ?? "") : undefined;
  const indexLine = lines.shift() ?? "";
  const index = indexLine.startsWith("index ") ? decodeDecimal(indexLine.slice("index ".length)) : undefined;
  if (index === undefined) throw fault.proofText("index");
  const hashes = parseHashLines(lines);
  if (!hashes) throw fault.proofText("hash");
  const checkpoint = text.slice(blank + 2);
  return extra ? { index, hashes, checkpoint, extra } : { index, hashes, checkpoint };
}

/** Throws unless the proof shows that `leaf` (a leaf hash) is in a log that `trust` believes; gives the checkpoint. */
export function verifyTlogProof(
  proof: TlogProof | string | Uint8Array,
  leaf: Uint8Array,
  trust: Trust,
): OpenedCheckpoint {
  const { index, hashes, checkpoint } =
    typeof proof === "string" || proof instanceof Uint8Array ? parseTlogProof(proof) : proof;
  const opened = openCheckpoint(checkpoint, trust);
  verifyInclusion(index, opened.checkpoint.size, leaf, hashes, opened.checkpoint.root);
  return opened;
}
