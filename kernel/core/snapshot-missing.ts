import type { Files } from "../store/files.ts";
import { type Pointer, readPointer } from "./snapshot.ts";

/** How many snapshots are made anew at most, and of how many bytes in all: half of what is kept, so none is thinned out again. */
const most: { readonly snapshots: number; readonly bytes: number; readonly records: number } = {
  snapshots: 100,
  bytes: 256 * 1024 * 1024,
  /** Records between two of them at least: what the rule that spaces snapshots comes to at most. */
  records: 50_000,
};

async function* pointers(files: Files, code: string): AsyncGenerator<Pointer> {
  for (const name of await files.list("snapshot")) {
    if (!name.endsWith(".pointer")) continue;
    const pointer = await readPointer(files, `snapshot/${name}`);
    if (pointer?.code === code) yield pointer;
  }
}

/**
 * Sequences of the journal without a snapshot anywhere near that this program can use, ascending. There are some after an
 * upgrade: state that another program folded is not taken for its own.
 */
export async function missing(files: Files, code: string, every = most.records): Promise<readonly number[]> {
  const known: Pointer[] = [];
  for await (const pointer of pointers(files, code)) known.push(pointer);
  const newest = known.toSorted((one, other) => other.seq - one.seq)[0];
  if (!newest) return [];
  const bytes = Math.max((await files.size(newest.file)) ?? 0, 1);
  const count = Math.min(most.snapshots, Math.floor(most.bytes / bytes));
  const step = Math.max(every, Math.ceil(newest.seq / (count + 1)));
  const marks: number[] = [];
  for (let seq = step; seq + step / 2 <= newest.seq; seq += step)
    if (!known.some((one) => Math.abs(one.seq - seq) <= step / 2)) marks.push(seq);
  return marks;
}
