import type { Grant } from "./authority.ts";

interface Bucket {
  tokens: number;
  at: number;
}

/** Token buckets of one ticket: `rate` uses a second, a burst of as many. */
export class Rates {
  readonly #buckets = new Map<string, Bucket>();
  readonly #standard: number;

  /** `standard` applies where a grant names no rate. */
  constructor(standard: number) {
    this.#standard = standard;
  }

  /** Takes one use at `now` (monotonic milliseconds) from every bucket; false, and none taken, when one is empty. */
  take({ meters }: Grant, kind: string, now: number): boolean {
    if (meters.length === 0) return this.#draw([this.#bucket(kind, this.#standard, now)]);
    return this.#draw(meters.map(({ key, rate }) => this.#bucket(`${kind} ${key}`, rate, now)));
  }

  #bucket(key: string, rate: number, now: number): Bucket {
    let bucket = this.#buckets.get(key);
    if (!bucket) {
      bucket = { tokens: rate, at: now };
      this.#buckets.set(key, bucket);
    }
    bucket.tokens = Math.min(rate, bucket.tokens + ((now - bucket.at) * rate) / 1000);
    bucket.at = now;
    return bucket;
  }

  #draw(buckets: readonly Bucket[]): boolean {
    if (buckets.some(({ tokens }) => tokens < 1)) return false;
    for (const bucket of buckets) bucket.tokens -= 1;
    return true;
  }
}
