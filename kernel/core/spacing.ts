import type { Made } from "./made.ts";

/** Records between snapshots: before anything was measured, and the bounds of what is made of a measure. */
const first = 16_000;
const least = 4000;
const most = 50_000;

/** Folding what lies between two snapshots should take so long, milliseconds: it is what a look into the past waits for. */
const wanted = 200;

/** Share of a thread's time that snapshots may take while fewer than `most` records came. */
export const share = 0.1;

/** When the next snapshot is due, by what the last ones cost. */
export class Spacing {
  #every: number;
  readonly #fixed: boolean;
  /** Monotonic milliseconds before which there is none for the sake of the past alone. */
  #rests = 0;

  /** `every`: so many records, whatever it costs. */
  constructor(every: number | undefined) {
    this.#every = every ?? first;
    this.#fixed = every !== undefined;
  }

  /** Records after which a snapshot is due. */
  get every(): number {
    return this.#every;
  }

  /** Whether one is due so many records after the last; `now` is monotonic, milliseconds. */
  due(records: number, now: number): boolean {
    if (records < this.#every) return false;
    return this.#fixed || records >= most || now >= this.#rests;
  }

  /** Learns what a snapshot cost that was ready at `now`. */
  learn(cost: Made["cost"], now: number): void {
    if (!cost || this.#fixed) return;
    const { records, fold, rest } = cost;
    this.#rests = now + (fold + rest) / share;
    if (records < least / 4) return;
    // Where writing and loading are dear, more lies between, so that folding is not the small part of the work.
    const span = (Math.max(wanted, rest / 2) * records) / Math.max(fold, 1);
    this.#every = Math.round(Math.min(most, Math.max(least, span)));
  }
}
