import { faults } from "@skep/fault";
import type { Json, JournalRecord, TreeActs } from "@skep/kernel";

const fault = faults("undo", {
  refused: ["conflict", "Cannot undo what did not happen"],
  unknown: ["refused", "Cannot undo: this act has no inverse"],
});

/** What a record's reader needs. */
export interface UndoDeps {
  readonly record: (seq: number) => Promise<JournalRecord>;
  readonly acts: () => Pick<TreeActs, "of">;
}

/** The command that takes a record back. Throws `undo.refused`, `.unknown`. */
export async function undoJson({ record: read, acts }: UndoDeps, seq: number): Promise<Json> {
  const record = await read(seq);
  const { verdict, undo, path, command } = record;
  if (!verdict.ok) throw fault.refused(`record ${seq} was refused, or waits`);
  if (undo) return { id: seq, path: undo.path, command: undo.command };
  const compensation = acts().of(path, command)?.act?.compensation;
  throw fault.unknown(`record ${seq}`, compensation === undefined ? {} : { cure: compensation });
}
