import { decodeRecord, encodeRecord, type JournalRecord, Slices } from "@skep/kernel";
import { foldedMounts } from "../hive/folded.ts";
import { version } from "../version.ts";

// Nothing is read there: folding needs no home.
const nowhere = "/nowhere";

/** The records of a golden journal: one line of canonical JSON each. */
export function parseGolden(text: string): JournalRecord[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => decodeRecord(Buffer.from(line)));
}

/** A golden journal as it is written. */
export function printGolden(records: readonly JournalRecord[]): string {
  return records.map((record) => `${encodeRecord(record).toString()}\n`).join("");
}

/** Digests of the state after each record, as this program folds it. Throws `state.event` for an event that it does not know. */
export function digestsOf(records: readonly JournalRecord[]): string[] {
  const slices = new Slices(foldedMounts(nowhere, undefined), version);
  return records.map((record) => {
    slices.apply(record);
    return slices.state.digest();
  });
}
