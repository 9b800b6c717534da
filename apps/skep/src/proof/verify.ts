import { canonical } from "@skep/canon";
import { faults } from "@skep/fault";
import { decodeRecord, type JournalRecord } from "@skep/kernel";
import { CompactRange, leafHash, openCheckpoint, type Trust, verifyInclusion } from "@skep/tlog";
import type { LogSource } from "./source.ts";

const fault = faults("audit", {
  record: ["corrupt", "Cannot verify the log: a record is not what stands at its place"],
  canonical: ["corrupt", "Cannot verify the log: a record is not in canonical form"],
  time: ["corrupt", "Cannot verify the log: time goes back"],
  root: ["corrupt", "Cannot verify the log: the records do not have the root that was signed"],
  shorter: ["corrupt", "Cannot verify the log: it is shorter than the checkpoint that was remembered"],
  forked: ["corrupt", "Cannot verify the log: it is not the one of which the checkpoint was remembered"],
  other: ["invalid", "Cannot compare with a checkpoint of another log"],
});

/** What was verified. */
export interface Verdict {
  readonly origin: string;
  readonly size: number;
  /** Hex. */
  readonly root: string;
  /** Size of the remembered checkpoint that this log continues. */
  readonly since?: number;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** One record of the log at its place, in its one form. Throws `audit.record`, `.canonical`. */
export function checkRecord(bytes: Uint8Array, seq: number): JournalRecord {
  const record = decodeRecord(bytes);
  if (record.seq !== seq) throw fault.record(`${record.seq} at ${seq}`);
  if (!Buffer.from(canonical(record)).equals(bytes)) throw fault.canonical(seq);
  return record;
}

/** Records one after the other: their form, their order, and the root of all so far. */
export class Walk {
  readonly #range = new CompactRange();
  #time = 0;

  get size(): number {
    return this.#range.size;
  }

  get root(): Uint8Array {
    return this.#range.root();
  }

  add(bytes: Uint8Array): JournalRecord {
    const record = checkRecord(bytes, this.size);
    if (record.time < this.#time) throw fault.time(record.seq);
    this.#time = record.time;
    this.#range.append(leafHash(bytes));
    return record;
  }
}

interface Remembered {
  readonly size: number;
  readonly root: Uint8Array;
}

function remembered(since: string | undefined, trust: Trust, origin: string): Remembered | undefined {
  if (since === undefined) return undefined;
  const { checkpoint } = openCheckpoint(since, trust);
  if (checkpoint.origin !== origin) throw fault.other(checkpoint.origin);
  return checkpoint;
}

/**
 * Verifies a whole log: the signature of its checkpoint, every record, the root over all of them, and that it
 * continues a checkpoint that was remembered. Throws `audit.*` and `tlog.*` with what does not hold.
 */
export async function verifyLog(
  source: LogSource,
  trust: Trust,
  options: { readonly since?: string | undefined; readonly step?: (records: number) => void } = {},
): Promise<Verdict> {
  const { checkpoint } = openCheckpoint(source.checkpoint, trust);
  const { origin, size, root } = checkpoint;
  const old = remembered(options.since, trust, origin);
  if (old && old.size > size) throw fault.shorter(`${size} of ${old.size} records`);
  const walk = new Walk();
  const compare = (): void => {
    if (old?.size === walk.size && hex(old.root) !== hex(walk.root))
      throw fault.forked(`${old.size} records`);
  };
  compare();
  for await (const bytes of source.entries(0, size)) {
    walk.add(bytes);
    compare();
    options.step?.(walk.size);
  }
  if (walk.size !== size || hex(walk.root) !== hex(root)) throw fault.root(`${walk.size} records`);
  return { origin, size, root: hex(root), ...(old && { since: old.size }) };
}

/** Throws unless a record is in the tree that a verified checkpoint signs. */
export function checkInclusion(
  bytes: Uint8Array,
  seq: number,
  hashes: readonly Uint8Array[],
  { size, root }: { readonly size: number; readonly root: Uint8Array },
): void {
  verifyInclusion(seq, size, leafHash(bytes), hashes, root);
}
