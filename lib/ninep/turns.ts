import type { Loop } from "./lookout.ts";

/** Milliseconds of one turn of the loop that requests may take. An iteration of Node has two: I/O, then what was deferred. */
const MOST = 1;

/**
 * What all connections of an edge may take of one turn of the event loop, together: many clients whose requests come
 * at once are served over several turns, first come first served, and whatever else the loop has to do comes between.
 */
export class Turns {
  readonly #loop: Loop;
  readonly #waiting: (() => void)[] = [];
  readonly #last: (() => void)[] = [];
  #since = -1;

  constructor(loop: Loop) {
    this.#loop = loop;
  }

  /** Enough was served in this turn: what is left goes to `later`. */
  get over(): boolean {
    const now = this.#loop.monotonic();
    if (this.#since >= 0) return now - this.#since >= MOST;
    this.#begin(now);
    return false;
  }

  /** Runs an act in a turn that has time for it, in the order of the calls. */
  later(act: () => void): void {
    this.#waiting.push(act);
    if (this.#since < 0) this.#begin(this.#loop.monotonic());
  }

  /** Runs an act for which nobody waits: one in each turn, and more where all others were served and time is left. */
  last(act: () => void): void {
    this.#last.push(act);
    if (this.#since < 0) this.#begin(this.#loop.monotonic());
  }

  #begin(now: number): void {
    this.#since = now;
    this.#loop.defer(this.#next);
  }

  // Whoever waited goes before what has just come, and their time counts for the same turn.
  readonly #next = (): void => {
    this.#since = -1;
    for (let left = this.#waiting.length; left > 0 && !this.over; left -= 1) this.#waiting.shift()?.();
    this.#putAway();
    if (this.#waiting.length + this.#last.length > 0 && this.#since < 0) this.#begin(this.#loop.monotonic());
  };

  #putAway(): void {
    const alone = this.#waiting.length === 0;
    if (this.#last.length > 0 && this.#since < 0) this.#begin(this.#loop.monotonic());
    do this.#last.shift()?.();
    while (alone && this.#last.length > 0 && !this.over);
  }
}
