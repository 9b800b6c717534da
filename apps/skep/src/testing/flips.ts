import { encodeRecord, Journal, type JournalRecord } from "@skep/kernel";
import { openFiles } from "@skep/storage";
import { foldedMounts } from "../hive/folded.ts";
import { chanceOf, hiveKeys } from "../hive/keys.ts";
import { places } from "../hive/storage.ts";
import { replayLog } from "../proof/replay.ts";
import { version } from "../version.ts";

/** One lie in a copy of a journal, and the record at which a replay parted from it. */
export interface Flip {
  readonly lie: "verdict" | "event" | "order";
  readonly at: number;
  readonly found: number | undefined;
}

type Edit = (record: JournalRecord) => JournalRecord;

async function* edited(journal: Journal, from: number, to: number, edit: Edit): AsyncGenerator<Uint8Array> {
  for await (const record of journal.records(from, to)) yield encodeRecord(edit(record));
}

/**
 * Two records from `from` on whose order matters: each spawns the next number. Acts that say nothing of each other, such
 * as revoking two tickets, come to the same either way, and no judgement can tell.
 */
async function pairFrom(
  journal: Journal,
  from: number,
  to: number,
): Promise<readonly [JournalRecord, JournalRecord]> {
  let before: JournalRecord | undefined;
  for await (const record of journal.records(from, to)) {
    if (!record.events.some(({ t }) => t === "queen:spawned@1")) continue;
    if (before) return [before, record];
    before = record;
  }
  throw new Error(`no two spawns from record ${from} on`);
}

function lies([one, other]: readonly [JournalRecord, JournalRecord]): Readonly<Record<Flip["lie"], Edit>> {
  const place = ({ seq, time }: JournalRecord) => ({ seq, time });
  const at =
    (edit: Edit): Edit =>
    (record) =>
      record.seq === one.seq ? edit(record) : record;
  const verdict = { ok: false, kind: "denied", code: "queen.no", message: "no" };
  return {
    verdict: at((record) => ({ ...record, verdict, events: [], effects: [] })),
    event: at((record) => ({
      ...record,
      events: record.events.map(({ t, d }) => ({ t, d: { ...(d as object), extra: 1 } })),
    })),
    order: (record) => {
      if (record.seq === one.seq) return { ...other, ...place(one) };
      return record.seq === other.seq ? { ...one, ...place(other) } : record;
    },
  };
}

/** Copies the journal of a home with one lie each, somewhere behind `from`, and replays the copies. */
export async function flipsFrom(home: string, from: number): Promise<readonly Flip[]> {
  const files = openFiles(places.files(home));
  const journal = await Journal.openToRead(files);
  const end = journal.segments.records;
  const pair = await pairFrom(journal, from, end);
  const [{ seq: at }] = pair;
  const found: Flip[] = [];
  for (const [lie, edit] of Object.entries(lies(pair))) {
    const options = {
      providers: foldedMounts(home, undefined),
      version,
      chance: chanceOf(home, hiveKeys(home).origin),
    };
    const range = { from: Math.max(0, at - 100), to: Math.min(end, at + 100) };
    const read = (first: number, to: number) => edited(journal, first, to, edit);
    const { difference } = await replayLog(read, range, options);
    found.push({ lie: lie as Flip["lie"], at, found: difference?.seq });
  }
  return found;
}
