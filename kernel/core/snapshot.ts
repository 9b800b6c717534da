import { faults } from "@skep/fault";
import type { Journal } from "../journal/journal.ts";
import type { Row } from "../state/scope.ts";
import type { Files } from "../store/files.ts";
import type { Slices } from "./slices.ts";

const fault = faults("snapshot", {
  digest: ["corrupt", "Cannot load a snapshot whose rows do not have its digest"],
});

/** Which snapshot counts: the record in the journal says so, this file only points at it. */
export interface Pointer {
  readonly file: string;
  /** The state is that after all records below this sequence. */
  readonly seq: number;
  readonly digest: string;
  /** Merkle root of those records, hex. */
  readonly root: string;
  /** Sequence of the record that names the digest. */
  readonly record: number;
  readonly code: string;
}

const pointerName = "snapshot/current";

/** Older snapshots are kept for the past, so many and so many bytes at most; the newest beside them. */
const kept: { readonly snapshots: number; readonly bytes: number } = {
  snapshots: 200,
  bytes: 512 * 1024 * 1024,
};

/** Reads what points at a snapshot: the newest one unless told. */
export async function readPointer(files: Files, name = pointerName): Promise<Pointer | undefined> {
  const size = await files.size(name);
  if (!size) return undefined;
  try {
    return JSON.parse(Buffer.from(await files.read(name, 0, size)).toString()) as Pointer;
  } catch {
    return undefined;
  }
}

/** Loads the rows of a snapshot; throws `snapshot.digest` when they are not what the record names. */
export async function loadSnapshot(files: Files, slices: Slices, pointer: Pointer): Promise<void> {
  const size = (await files.size(pointer.file)) ?? 0;
  const text = Buffer.from(await files.read(pointer.file, 0, size)).toString();
  for (const line of text.split("\n")) if (line !== "") slices.state.load(JSON.parse(line) as Row);
  if (slices.state.digest() !== pointer.digest) throw fault.digest(pointer.file);
}

/** Writes the rows of folded slices; the caller makes the record and then the pointer. */
export async function writeSnapshot(
  files: Files,
  slices: Slices,
  seq: number,
): Promise<{ readonly file: string; readonly digest: string }> {
  const lines: string[] = [];
  for (const row of slices.state.rows()) lines.push(JSON.stringify(row));
  const file = `snapshot/${String(seq).padStart(16, "0")}.rows`;
  await files.replace(file, Buffer.from(`${lines.join("\n")}\n`));
  return { file, digest: slices.state.digest() };
}

const ofRows = (rows: string): string => rows.replace(/rows$/, "pointer");

interface Older {
  readonly rows: string;
  readonly seq: number;
  readonly bytes: number;
}

/** Which older snapshots go: those whose neighbours are nearest, so that the others lie evenly over the journal. */
export function leaving(older: readonly Older[], newest: number, most: typeof kept = kept): Older[] {
  const left = older.toSorted((one, other) => one.seq - other.seq);
  const gone: Older[] = [];
  const bytes = (): number => left.reduce((sum, each) => sum + each.bytes, 0);
  while (left.length > most.snapshots || (left.length > 0 && bytes() > most.bytes)) {
    const gap = (at: number): number => (left[at + 1]?.seq ?? newest) - (left[at - 1]?.seq ?? 0);
    let least = 0;
    for (let at = 1; at < left.length; at += 1) if (gap(at) < gap(least)) least = at;
    gone.push(...left.splice(least, 1));
  }
  return gone;
}

async function thinOut(files: Files, pointer: Pointer): Promise<void> {
  const older: Older[] = [];
  for (const name of await files.list("snapshot")) {
    const rows = `snapshot/${name}`;
    if (!name.endsWith(".rows") || rows === pointer.file) continue;
    const known = await readPointer(files, ofRows(rows));
    // Of no use to anybody: nothing points at it, or it is made by other code.
    if (known?.code !== pointer.code) await drop(files, rows);
    else older.push({ rows, seq: known.seq, bytes: (await files.size(rows)) ?? 0 });
  }
  for (const { rows } of leaving(older, pointer.seq)) await drop(files, rows);
}

async function drop(files: Files, rows: string): Promise<void> {
  await files.remove(rows);
  if ((await files.size(ofRows(rows))) !== undefined) await files.remove(ofRows(rows));
}

/** Makes a snapshot count, and removes older ones that are too many. One that is older than the newest counts for the past. */
export async function pointTo(files: Files, pointer: Pointer): Promise<void> {
  const bytes = Buffer.from(JSON.stringify(pointer));
  await files.replace(ofRows(pointer.file), bytes);
  const newest = await readPointer(files);
  if (newest && newest.code === pointer.code && newest.seq > pointer.seq) return thinOut(files, newest);
  await files.replace(pointerName, bytes);
  return thinOut(files, pointer);
}

/** Pointers of older snapshots at or below a sequence, newest first; few are read, since the first mostly fits. */
async function* olderPointers(files: Files, below: number): AsyncGenerator<Pointer> {
  const names = (await files.list("snapshot")).filter(
    (name) => name.endsWith(".pointer") && Number(name.slice(0, -8)) <= below,
  );
  // Names are sequences with zeros before them, so they are in order.
  for (const name of names.reverse()) {
    const pointer = await readPointer(files, `snapshot/${name}`);
    if (pointer) yield pointer;
  }
}

async function recorded(journal: Journal, pointer: Pointer): Promise<boolean> {
  if (pointer.record >= journal.segments.records) return false;
  const record = await journal.record(pointer.record);
  return record.events.some(
    ({ t, d }) =>
      t === "kernel:snapshot@1" &&
      (d as { digest: string }).digest === pointer.digest &&
      (d as { seq: number }).seq === pointer.seq,
  );
}

/** The snapshot to start from: recorded in the journal and made by this very code; otherwise none. */
export async function usable(
  files: Files,
  journal: Journal,
  code: string,
  below: number,
): Promise<Pointer | undefined> {
  const counts = async (pointer: Pointer): Promise<boolean> =>
    pointer.code === code && pointer.seq <= below && (await recorded(journal, pointer));
  const newest = await readPointer(files);
  if (newest && (await counts(newest))) return newest;
  for await (const pointer of olderPointers(files, below)) if (await counts(pointer)) return pointer;
  return undefined;
}
