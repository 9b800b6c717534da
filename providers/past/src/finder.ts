import { faults } from "@skep/fault";
import { formatTime } from "@skep/text";
import { parseMoment } from "./moment.ts";

const fault = faults("past-time", {
  before: ["absent", "Cannot look at a time before the hive began"],
});

/** The durable records of a journal; the kernel's `Journal` fits. */
export interface Records {
  /** All sequences below this one are durable. */
  readonly durable: number;
  record(seq: number): Promise<{ readonly time: number }>;
}

const kept = 256;

/** Finds which record a name below `/at` means. */
export class Finder {
  readonly #records: () => Records;
  readonly #known = new Map<string, number>();

  constructor(records: () => Records) {
    this.#records = records;
  }

  /** The record's sequence; undefined when there is none. Throws `past-time.before` for a time before the first record. */
  find(name: string): number | undefined | Promise<number | undefined> {
    const moment = parseMoment(name);
    if (!moment) return undefined;
    const { durable } = this.#records();
    if ("seq" in moment) return moment.seq < durable ? moment.seq : undefined;
    return this.#known.get(name) ?? this.#byTime(name, moment.time, durable);
  }

  // The last record that is not after the time; record time never goes back.
  async #byTime(name: string, time: number, durable: number): Promise<number | undefined> {
    const records = this.#records();
    let low = 0;
    let high = durable;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((await records.record(middle)).time <= time) low = middle + 1;
      else high = middle;
    }
    // Where a later record is already after the time, the answer never changes.
    if (low > 0 && low < durable) this.#keep(name, low - 1);
    if (low > 0) return low - 1;
    if (durable === 0) return undefined;
    const { time: began } = await records.record(0);
    throw fault.before(name, { cure: `The hive began at ${formatTime(began)}` });
  }

  #keep(name: string, seq: number): void {
    if (this.#known.size >= kept) this.#known.delete(this.#known.keys().next().value ?? "");
    this.#known.set(name, seq);
  }
}
