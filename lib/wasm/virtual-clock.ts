import { errno, Refusal } from "./guest.ts";
import type { Meter } from "./meter.ts";

const realtime = 0;
const clocks = 4;

/** The job's time: it starts at the manifest's, one unit of fuel is one nanosecond, and sleeping moves it on at once. */
export class Clock {
  readonly #start: bigint;
  readonly #meter: Meter;
  #slept = 0n;

  constructor(startMs: number, meter: Meter) {
    this.#start = BigInt(Math.trunc(startMs)) * 1_000_000n;
    this.#meter = meter;
  }

  /** Nanoseconds on WASI clock `id`: 0 is the wall clock, 1 to 3 count from the job's start; EINVAL for another. */
  read(id: number): bigint {
    if (id >>> 0 >= clocks) throw new Refusal(errno.inval);
    const elapsed = this.#meter.used + (id <= 1 ? this.#slept : 0n);
    return id === realtime ? BigInt.asUintN(64, this.#start + elapsed) : BigInt.asUintN(64, elapsed);
  }

  /** Moves on by `nanoseconds`, as a sleep does; processor time stands still meanwhile. */
  sleep(nanoseconds: bigint): void {
    if (nanoseconds > 0n) this.#slept += nanoseconds;
  }
}
