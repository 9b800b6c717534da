import { faults } from "@skep/fault";
import { decodeRecord, type JournalRecord, type Json } from "@skep/kernel";
import type { Signer } from "@skep/tlog";
import type { ChainSource } from "./chain.ts";
import { type AuditJournal, AuditLog } from "./log.ts";
import { type Changed, changedLines, proveTold, type Told, tellPath, tellRecord, whyLines } from "./why.ts";

const fault = faults("why", {
  record: ["absent", "Cannot tell why: no such record"],
  path: [
    "absent",
    "Cannot tell why: no record tells of this file",
    { cure: "Streams and what tells of the present only are not journalled" },
  ],
});

/** The part of the index that chains are looked up in. */
export interface ChainIndex {
  /** Newest records below a sequence that changed a path, newest first. */
  touched(path: string, below: number, count: number): Promise<readonly number[]>;
  /** The record that ended an effect. */
  outcome(effect: string): Promise<number | undefined>;
}

/** Chains from tickets to receipts, by a name: the sequence of a record, or a path in percent-encoding. */
export interface Chains {
  /** Whether something can be told of that name: a durable record, or any path. */
  knows(name: string): boolean;
  /** Lines for people. Throws `why.record`, `.path`. */
  lines(name: string): Promise<string>;
  /** The whole chain with its proofs. Throws `why.record`, `.path`. */
  whole(name: string): Promise<Json>;
}

const sequence = /^(0|[1-9][0-9]{0,14})$/;

function pathOf(name: string): string | undefined {
  try {
    const path = decodeURIComponent(name);
    return path.startsWith("/") ? path : undefined;
  } catch {
    return undefined;
  }
}

/** What tells why; the journal is asked for at each use. */
export function createChains(
  deps: { readonly journal: () => AuditJournal; readonly signer: Signer },
  index: ChainIndex,
): Chains {
  const log = new AuditLog(deps.journal, deps.signer);
  const source: ChainSource = {
    durable: () => log.size,
    record: async (seq): Promise<JournalRecord> => {
      const [bytes] = seq < log.size ? await deps.journal().segments.read(seq, 1) : [];
      if (!bytes) throw fault.record(seq);
      return decodeRecord(bytes);
    },
    touched: async (path, below, count) =>
      (await index.touched(path, Math.min(below, log.size), count)).filter((seq) => seq < log.size),
    outcome: async (effect) => {
      const seq = await index.outcome(effect);
      return seq !== undefined && seq < log.size ? seq : undefined;
    },
    proof: (seq) => log.proof(seq),
  };
  const pathTold = async (name: string): Promise<Changed<Told>> => {
    const path = pathOf(name) ?? "";
    const changed = await tellPath(path, source);
    if (!changed) throw fault.path(path);
    return changed;
  };
  return {
    knows: (name) => (sequence.test(name) ? Number(name) < log.size : pathOf(name) !== undefined),
    lines: async (name) =>
      sequence.test(name)
        ? whyLines(await tellRecord(Number(name), source))
        : changedLines(await pathTold(name)),
    whole: async (name) => {
      if (sequence.test(name))
        return (await proveTold(await tellRecord(Number(name), source), source)) as unknown as Json;
      const changed = await pathTold(name);
      return { ...changed, why: await proveTold(changed.why, source) } as unknown as Json;
    },
  };
}
