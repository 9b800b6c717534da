import type { Journal } from "../journal/journal.ts";
import type { Provider } from "../state/provider.ts";
import type { Files } from "../store/files.ts";
import type { Made } from "./made.ts";
import type { KernelOptions } from "./options.ts";
import { loadSnapshot, readPointer, usable, writeSnapshot } from "./snapshot.ts";
import { Slices } from "./slices.ts";

/** State as of a sequence, and what it took. */
export interface Recovered {
  readonly slices: Slices;
  /** Records folded after the snapshot. */
  readonly folded: number;
  readonly snapshot: number | undefined;
  /** Time of the newest record, milliseconds; 0 when there is none. */
  readonly time: number;
  /** Written after a long replay, before anything was decided on that state. */
  readonly made: (Made & { readonly seq: number }) | undefined;
}

/** Records that must be there: index and snapshot pointer come only after what they tell of is durable. */
export async function leastRecords({
  files,
  index,
}: Pick<KernelOptions, "files" | "index">): Promise<number> {
  const pointer = await readPointer(files);
  return Math.max(index?.upTo ?? 0, pointer ? pointer.record + 1 : 0);
}

/** Folds the whole journal, from a snapshot where one counts; the journal's tree grows with it. */
export async function recover(
  files: Files,
  journal: Journal,
  providers: readonly Provider[],
  version: string,
  snapshotEvery = Number.POSITIVE_INFINITY,
): Promise<Recovered> {
  let slices = new Slices(providers, version);
  let pointer = await usable(files, journal, slices.code, journal.segments.records);
  if (pointer)
    try {
      await loadSnapshot(files, slices, pointer);
    } catch {
      // The journal is the truth: a snapshot that does not load costs time, nothing else.
      slices = new Slices(providers, version);
      pointer = undefined;
    }
  let folded = 0;
  let time = 0;
  const from = pointer?.seq ?? 0;
  await journal.growTree(
    (record) => {
      slices.apply(record);
      time = record.time;
      folded += 1;
    },
    from,
    pointer ? Buffer.from(pointer.root, "hex") : undefined,
  );
  if (folded === 0 && journal.segments.records > 0)
    time = (await journal.record(journal.segments.records - 1)).time;
  const seq = journal.segments.records;
  const made =
    folded < snapshotEvery
      ? undefined
      : { ...(await writeSnapshot(files, slices, seq)), code: slices.code, seq };
  return { slices, folded, snapshot: pointer?.seq, time, made };
}

/** A state to fold on from: that of the nearest snapshot, or of an empty journal. */
export interface Nearest {
  readonly slices: Slices;
  /** The state is that after all records below this sequence. */
  readonly from: number;
}

/** The nearest snapshot at or below `seq`, loaded; where there is none, the state before the first record. */
export async function loadNearest(
  files: Files,
  journal: Journal,
  providers: readonly Provider[],
  version: string,
  seq: number,
): Promise<Nearest> {
  const slices = new Slices(providers, version);
  const pointer = await usable(files, journal, slices.code, seq);
  if (!pointer) return { slices, from: 0 };
  try {
    await loadSnapshot(files, slices, pointer);
    return { slices, from: pointer.seq };
  } catch {
    // It may have been removed meanwhile; the journal tells the same, later.
    return { slices: new Slices(providers, version), from: 0 };
  }
}

/** Folds the records from one to another (exclusive) into a state. */
export async function foldOn(slices: Slices, journal: Journal, from: number, to: number): Promise<void> {
  for (let at = from; at < to; )
    for (const record of await journal.batch(at, to)) {
      slices.apply(record);
      at += 1;
    }
}

/** The state after all records below `seq`, folded apart from the live one: for snapshots and the past. */
export async function foldTo(
  files: Files,
  journal: Journal,
  providers: readonly Provider[],
  version: string,
  seq: number,
): Promise<Slices> {
  const { slices, from } = await loadNearest(files, journal, providers, version, seq);
  await foldOn(slices, journal, from, seq);
  return slices;
}
