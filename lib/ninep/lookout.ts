/** What a lookout needs of its event loop. */
export interface Loop {
  /** Runs something in a later turn, after the input that is there was handled (setImmediate). */
  readonly defer: (act: () => void) => void;
  /** Milliseconds since some fixed moment. */
  readonly monotonic: () => number;
}

/** Milliseconds within which the other side has to come back for the loop to stay awake. */
const NEAR = 0.1;
/** Turns after which nobody looks on, also where the clock stands still. */
const TURNS = 256;
/** How often in a row it has to have done so. */
const STREAK = 16;

/**
 * Keeps the event loop from sleeping while the other side comes back at once, each time: to be woken costs both sides
 * more than an answer takes. Whoever comes late has to be prompt again a number of times, so that what is spent on
 * looking in vain stays small beside the work, and is nothing at rest.
 */
export class Lookout {
  readonly #loop: Loop;
  #sentAt = -1;
  #streak = 0;
  #looking = false;
  #turns = 0;

  constructor(loop: Loop) {
    this.#loop = loop;
  }

  /** Something was sent to which one thing is to come back. */
  sent(): void {
    this.#sentAt = this.#loop.monotonic();
    this.#turns = 0;
    if (this.#looking || this.#streak < STREAK) return;
    this.#looking = true;
    this.#loop.defer(this.#look);
  }

  came(): void {
    this.#streak = this.#near() ? this.#streak + 1 : 0;
    this.#sentAt = -1;
  }

  #near(): boolean {
    return this.#sentAt >= 0 && this.#loop.monotonic() - this.#sentAt < NEAR;
  }

  readonly #look = (): void => {
    this.#turns += 1;
    this.#looking = this.#turns < TURNS && this.#near();
    if (this.#looking) this.#loop.defer(this.#look);
  };
}
