import type { Clock } from "@skep/clock";
import { limits } from "../limits.ts";

/** Record time: the wall clock at start, carried on by the monotonic clock, never below the last record. */
export class HiveTime {
  readonly #clock: Clock;
  #wallAtStart: number;
  #monotonicAtStart: number;
  #last: number;
  /** Lead of record time over the wall clock that the operator accepted, since record time cannot go back. */
  #accepted = 0;

  constructor(clock: Clock, last: number) {
    this.#clock = clock;
    this.#wallAtStart = Math.max(clock.now(), last);
    this.#monotonicAtStart = clock.monotonic();
    this.#last = last;
  }

  /** Milliseconds since 1970; grows even when the wall clock is set back. */
  now(): number {
    const ours = Math.floor(this.#wallAtStart + this.#clock.monotonic() - this.#monotonicAtStart);
    if (ours > this.#last) this.#last = ours;
    return this.#last;
  }

  monotonic(): number {
    return this.#clock.monotonic();
  }

  /** How far the wall clock has left record time, milliseconds; positive when it is ahead. */
  drift(): number {
    return this.#clock.now() - this.now() + this.#accepted;
  }

  /** Whether that is more than the limit. */
  jumped(): boolean {
    return Math.abs(this.drift()) > limits.clockJump;
  }

  /**
   * The operator says that the wall clock is right: record time follows it forward. It never goes back: where the wall
   * clock was set back, record time goes on from where it is, so that leases still end, and stays ahead.
   */
  confirm(): void {
    const wall = this.#clock.now();
    const ours = this.now();
    this.#wallAtStart = Math.max(wall, ours);
    this.#monotonicAtStart = this.#clock.monotonic();
    this.#accepted = Math.max(0, ours - wall);
  }
}
