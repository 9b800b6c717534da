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
  shorter: [
    "corrupt",
    "Cannot verify the log: it went back behind a checkpoint that was signed",
    { cure: "Whoever holds its key removed records, or its home was put back without `skep restore`" },
  ],
  forked: [
    "corrupt",
    "Cannot verify the log: it showed two histories, for its key signed another one of",
    { cure: "Keep both checkpoints: together they are the proof" },
  ],
  other: [
    "invalid",
    "Cannot compare with a checkpoint of another log",
    { cure: "A restore begins a new log, whose first records name the old one and its last checkpoint" },
  ],
});

/** What was verified. */
export interface Verdict {
  readonly origin: string;
  readonly size: number;
  /** Hex. */
  readonly root: string;
  /** Size of the remembered checkpoint that this log continues. */
  readonly since?: number;
  /** Size of the checkpoint that witnesses cosigned. */
  readonly cosigned?: number;
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

interface VerifyOptions {
  /** A checkpoint that was remembered. */
  readonly since?: string | undefined;
  /** A checkpoint that has to have the quorum of the trust, where that asks for one. */
  readonly cosigned?: string | undefined;
  readonly step?: (records: number) => void;
}

/** The checkpoint that its own log signed; a quorum is asked of the cosigned one. */
function headOf(source: LogSource, trust: Trust): Remembered & { readonly origin: string } {
  const { quorum: _, ...logs } = trust;
  return openCheckpoint(source.checkpoint, logs).checkpoint;
}

/**
 * Verifies a whole log: the signature of its checkpoint, every record, the root over all of them, and that it
 * continues checkpoints that were remembered or cosigned. Throws `audit.*` and `tlog.*` with what does not hold.
 */
export async function verifyLog(
  source: LogSource,
  trust: Trust,
  options: VerifyOptions = {},
): Promise<Verdict> {
  const { origin, size, root } = headOf(source, trust);
  const { quorum: _, ...logs } = trust;
  const old = remembered(options.since, logs, origin);
  const cosigned = remembered(options.cosigned, trust, origin);
  const due = [old, cosigned].filter((one) => one !== undefined);
  for (const one of due) if (one.size > size) throw fault.shorter(`${size} of ${one.size} records`);
  const walk = new Walk();
  const compare = (): void => {
    for (const one of due)
      if (one.size === walk.size && hex(one.root) !== hex(walk.root))
        throw fault.forked(`${one.size} records`);
  };
  compare();
  for await (const bytes of source.entries(0, size)) {
    walk.add(bytes);
    compare();
    options.step?.(walk.size);
  }
  if (walk.size !== size || hex(walk.root) !== hex(root)) throw fault.root(`${walk.size} records`);
  return {
    origin,
    size,
    root: hex(root),
    ...(old && { since: old.size }),
    ...(cosigned && { cosigned: cosigned.size }),
  };
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
