import type { Clock } from "@skep/clock";

/** A token bucket for each key, kept while it is not full. */
export class Buckets {
  readonly #clock: Clock;
  readonly #rate: number;
  readonly #burst: number;
  readonly #most: number;
  readonly #left = new Map<string, { tokens: number; at: number }>();

  /** `rate` uses a second, `burst` at once, for at most `most` keys: the one longest unused is forgotten. */
  constructor(clock: Clock, rate: number, burst: number, most = 16_384) {
    this.#clock = clock;
    this.#rate = rate;
    this.#burst = burst;
    this.#most = most;
  }

  #tokens(key: string, now: number): number {
    const known = this.#left.get(key) ?? { tokens: this.#burst, at: now };
    return Math.min(this.#burst, known.tokens + ((now - known.at) / 1000) * this.#rate);
  }

  /** Whether a use could be taken now. */
  has(key: string): boolean {
    return this.#tokens(key, this.#clock.monotonic()) >= 1;
  }

  /** False when the key has to wait. */
  take(key: string): boolean {
    const now = this.#clock.monotonic();
    const tokens = this.#tokens(key, now);
    this.#left.delete(key);
    this.#left.set(key, { tokens: Math.max(0, tokens - 1), at: now });
    const oldest = this.#left.size > this.#most ? this.#left.keys().next().value : undefined;
    if (oldest !== undefined) this.#left.delete(oldest);
    return tokens >= 1;
  }
}
