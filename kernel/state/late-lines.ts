import type { JournalRecord } from "../journal/record.ts";
import type { Ring } from "./ring.ts";

/**
 * Lines about records, made only once somebody looks: until a stream is opened for the first time its newest records
 * are held as they are, and from then on every line is appended at once, so that no reader misses one.
 */
export class LateLines {
  readonly #make: (record: JournalRecord) => string;
  readonly #most: number;
  #held: JournalRecord[] = [];
  #ring: Ring | undefined;

  /** `make` gives whole lines, or nothing for a record that is not told about; `most` records are held. */
  constructor(make: (record: JournalRecord) => string, most = 256) {
    this.#make = make;
    this.#most = most;
  }

  push(record: JournalRecord): void {
    if (this.#ring) {
      this.#append(this.#ring, record);
      return;
    }
    this.#held.push(record);
    if (this.#held.length > this.#most) this.#held.shift();
  }

  #append(ring: Ring, record: JournalRecord): void {
    const lines = this.#make(record);
    if (lines !== "") ring.append(Buffer.from(lines));
  }

  /** Fills the ring with what was held, the first time, and gives it back. */
  open(ring: Ring): Ring {
    if (this.#ring === ring) return ring;
    this.#ring = ring;
    for (const record of this.#held) this.#append(ring, record);
    this.#held = [];
    return ring;
  }
}
