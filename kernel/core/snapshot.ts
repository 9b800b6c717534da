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

export async function readPointer(files: Files): Promise<Pointer | undefined> {
  const size = await files.size(pointerName);
  if (!size) return undefined;
  try {
    return JSON.parse(Buffer.from(await files.read(pointerName, 0, size)).toString()) as Pointer;
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

/** Makes a snapshot count, and removes older ones. */
export async function pointTo(files: Files, pointer: Pointer): Promise<void> {
  await files.replace(pointerName, Buffer.from(JSON.stringify(pointer)));
  for (const name of await files.list("snapshot"))
    if (name.endsWith(".rows") && `snapshot/${name}` !== pointer.file) await files.remove(`snapshot/${name}`);
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
  const pointer = await readPointer(files);
  if (!pointer || pointer.code !== code || pointer.seq > below) return undefined;
  return (await recorded(journal, pointer)) ? pointer : undefined;
}
