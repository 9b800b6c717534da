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

  /** Takes one use at `now` (monotonic milliseconds); false when the bucket is empty. */
  take(grant: Grant, now: number): boolean {
    const rate = grant.rate ?? this.#standard;
    let bucket = this.#buckets.get(grant.bucket);
    if (!bucket) {
      bucket = { tokens: rate, at: now };
      this.#buckets.set(grant.bucket, bucket);
    }
    bucket.tokens = Math.min(rate, bucket.tokens + ((now - bucket.at) * rate) / 1000);
    bucket.at = now;
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }
}
