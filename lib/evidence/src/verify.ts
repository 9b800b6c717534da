import {
  leafHash,
  openCheckpoint,
  parseNote,
  parseVkey,
  type Trust,
  verifyInclusion,
  verifyNote,
} from "@skep/tlog";
import { fault } from "./faults.ts";
import {
  type Manifest,
  manifestName,
  pageName,
  parseManifest,
  sealName,
  sealText,
  sha256,
} from "./manifest.ts";
import { pageOf, shellDigest } from "./page.ts";
import type { EvidenceRecord } from "./record.ts";

/** What was verified. */
export interface Verified {
  readonly manifest: Manifest;
  /** SHA-256 of the manifest, and of the page, hex. */
  readonly root: string;
  readonly page: string;
  /** Records that were shown, in order. */
  readonly records: readonly EvidenceRecord[];
  /** Whether the key was one that the caller trusts, and not only the one in the pack. */
  readonly trusted: boolean;
}

function fileOf(files: ReadonlyMap<string, string>, name: string): string {
  const text = files.get(name);
  if (text === undefined) throw fault.missing(name);
  return text;
}

function checkFiles(files: ReadonlyMap<string, string>, manifest: Manifest): void {
  for (const [name, { bytes, sha256: digest }] of Object.entries(manifest.files)) {
    const text = fileOf(files, name);
    if (Buffer.byteLength(text) !== bytes || sha256(text) !== digest) throw fault.changed(name);
  }
  const besides = new Set([manifestName, sealName, pageName]);
  for (const name of files.keys())
    if (!besides.has(name) && !Object.hasOwn(manifest.files, name)) throw fault.extra(name);
}

function checkSeal(seal: string, { origin }: Manifest, root: string, trust: Trust): void {
  const note = (() => {
    try {
      return parseNote(seal);
    } catch (cause) {
      throw fault.seal(undefined, { cause });
    }
  })();
  if (note.text !== sealText(origin, root, shellDigest())) throw fault.seal();
  try {
    verifyNote(note, trust.logs);
  } catch (cause) {
    throw fault.signature(undefined, { cause });
  }
}

interface Line {
  readonly seq: number;
  readonly leaf: string;
  readonly hashes: readonly string[];
}

const bytes = (text: string): Uint8Array => Buffer.from(text, "base64");
const linesOf = (text: string): string[] => (text === "" ? [] : text.slice(0, -1).split("\n"));

function checkRecords(
  files: ReadonlyMap<string, string>,
  manifest: Manifest,
  trust: Trust,
): EvidenceRecord[] {
  const { checkpoint } = openCheckpoint(fileOf(files, "checkpoint"), { ...trust, origin: manifest.origin });
  const lines = linesOf(fileOf(files, "journal.ndjson"));
  const proofs = linesOf(fileOf(files, "proofs.ndjson")).map((line) => JSON.parse(line) as Line);
  const { from, to } = manifest;
  if (lines.length !== to - from || proofs.length !== lines.length)
    throw fault.record(`${lines.length} of ${to - from}`);
  const records: EvidenceRecord[] = [];
  for (const [at, line] of lines.entries()) {
    const { seq, leaf, hashes } = proofs[at] as Line;
    const parsed = JSON.parse(line) as EvidenceRecord & { readonly withheld?: number };
    const shown = parsed.withheld === undefined;
    if (seq !== from + at || (parsed.withheld ?? parsed.seq) !== seq) throw fault.record(seq);
    const hash = shown ? leafHash(Buffer.from(line)) : bytes(leaf);
    try {
      verifyInclusion(seq, checkpoint.size, hash, hashes.map(bytes), checkpoint.root);
    } catch (cause) {
      throw fault.record(seq, { cause });
    }
    if (shown) records.push(parsed);
  }
  return records;
}

/**
 * Verifies a pack with nothing else: digests, seal, page, checkpoint, and the proof of every record. `keys` are verifier
 * keys of logs to trust; without any the pack's own counts, and `trusted` is false. Throws `evidence.*`, `tlog.*`.
 */
export function verify(files: ReadonlyMap<string, string>, keys: readonly string[] = []): Verified {
  const text = fileOf(files, manifestName);
  const manifest = parseManifest(text);
  if (keys.length > 0 && !keys.some((key) => key.trim() === manifest.key)) throw fault.key(manifest.key);
  const trust: Trust = { logs: [parseVkey(manifest.key)] };
  const root = sha256(text);
  checkFiles(files, manifest);
  const seal = fileOf(files, sealName);
  checkSeal(seal, manifest, root, trust);
  const records = checkRecords(files, manifest, trust);
  const listed = new Map(Object.keys(manifest.files).map((name) => [name, fileOf(files, name)]));
  const page = fileOf(files, pageName);
  if (page !== pageOf(text, seal, listed)) throw fault.page();
  return { manifest, root, page: sha256(page), records, trusted: keys.length > 0 };
}
