import { foldTo, Journal, type JournalRecord, Slices } from "@skep/kernel";
import { openFiles } from "@skep/storage";
import { foldedMounts } from "../hive/folded.ts";
import { places } from "../hive/storage.ts";
import { version } from "../version.ts";

/** What a home whose daemon is gone has come to hold since the last look. */
export interface Look {
  readonly records: readonly JournalRecord[];
  /** State digest of a replay of all records from the first on. */
  readonly replayed: string;
  /** State digest as the next start would have it, from a snapshot where one counts. */
  readonly recovered: string;
}

/** Reads the journal of a home again and again, and folds it from genesis as it grows. Writes nothing. */
export class Inspector {
  readonly #home: string;
  readonly slices: Slices;
  #next = 0;

  constructor(home: string) {
    this.#home = home;
    this.slices = new Slices(foldedMounts(home, undefined), version);
  }

  /** Throws the fault of a damaged journal. */
  async look(): Promise<Look> {
    const files = openFiles(places.files(this.#home));
    const journal = await Journal.openToRead(files);
    const records: JournalRecord[] = [];
    for await (const record of journal.records(this.#next, journal.segments.records)) {
      this.slices.apply(record);
      records.push(record);
    }
    this.#next = journal.segments.records;
    const again = await foldTo(files, journal, foldedMounts(this.#home, journal), version, this.#next);
    return { records, replayed: this.slices.state.digest(), recovered: again.state.digest() };
  }
}
