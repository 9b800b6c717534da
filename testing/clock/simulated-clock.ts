import type { Clock, Timer } from "@skep/clock";
import { seeded } from "./seeded.ts";

/** A clock that stands still until the test moves it. */
export interface SimulatedClock extends Clock {
  /** Lets `ms` milliseconds pass: timers due by then fire at their moment, those of one moment in seeded order. */
  advance(ms: number): void;
  /** As `advance`, but lets promises settle after each timer, so that what they start is seen in time. */
  advanceAsync(ms: number): Promise<void>;
  /** Sets the wall clock off by `ms`, forwards or back; monotonic time goes on. */
  jump(ms: number): void;
  /** Timers that wait. */
  readonly pending: number;
}

interface Waiting {
  readonly at: number;
  readonly tie: number;
  readonly act: () => void;
}

class Simulated implements SimulatedClock {
  readonly #random: () => number;
  readonly #waiting = new Set<Waiting>();
  #elapsed = 0;
  #wall: number;

  constructor(seed: number) {
    this.#random = seeded(seed);
    this.#wall = Date.UTC(2026, 0, 1) + Math.floor(this.#random() * 365 * 24 * 3600_000);
  }

  now(): number {
    return Math.floor(this.#wall + this.#elapsed);
  }

  monotonic(): number {
    return this.#elapsed;
  }

  get pending(): number {
    return this.#waiting.size;
  }

  after(ms: number, act: () => void): Timer {
    if (!(ms >= 0)) throw new Error(`a timer must wait 0 ms or more, not ${ms}`);
    const waiting = { at: this.#elapsed + ms, tie: this.#random(), act };
    this.#waiting.add(waiting);
    return { stop: () => void this.#waiting.delete(waiting) };
  }

  #next(end: number): Waiting | undefined {
    let next: Waiting | undefined;
    for (const one of this.#waiting)
      if (one.at <= end && (!next || one.at < next.at || (one.at === next.at && one.tie < next.tie)))
        next = one;
    return next;
  }

  #fire(one: Waiting): void {
    this.#waiting.delete(one);
    this.#elapsed = one.at;
    one.act();
  }

  advance(ms: number): void {
    const end = this.#elapsed + ms;
    for (let one = this.#next(end); one; one = this.#next(end)) this.#fire(one);
    this.#elapsed = end;
  }

  async advanceAsync(ms: number): Promise<void> {
    const end = this.#elapsed + ms;
    await settle();
    for (let one = this.#next(end); one; one = this.#next(end)) {
      this.#fire(one);
      await settle();
    }
    this.#elapsed = end;
  }

  jump(ms: number): void {
    this.#wall += ms;
  }
}

function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A clock at a seeded date; time passes by `advance` only. The same seed gives the same order of timers. */
export function simulatedClock(seed = 1): SimulatedClock {
  return new Simulated(seed);
}
