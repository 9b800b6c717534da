/** Milliseconds, kept in buckets of a tenth up to a second and of ten beyond: as many as one likes cost the same. */
export class Latencies {
  readonly #fine = new Uint32Array(10_000);
  readonly #coarse = new Uint32Array(10_000);
  #count = 0;
  #max = 0;

  add(ms: number): void {
    this.#count += 1;
    this.#max = Math.max(this.#max, ms);
    const buckets = ms < 1000 ? this.#fine : this.#coarse;
    const at = Math.min(buckets.length - 1, Math.floor(ms < 1000 ? ms * 10 : ms / 10));
    buckets[at] = (buckets[at] ?? 0) + 1;
  }

  get count(): number {
    return this.#count;
  }

  get max(): number {
    return this.#max;
  }

  /** Counts of the buckets that hold something, with the upper edge of each in milliseconds. */
  get buckets(): readonly (readonly [edge: number, count: number])[] {
    const found: [number, number][] = [];
    for (const [at, count] of this.#fine.entries()) if (count > 0) found.push([(at + 1) / 10, count]);
    for (const [at, count] of this.#coarse.entries()) if (count > 0) found.push([(at + 1) * 10, count]);
    return found;
  }
}

/** The time below which so many percent of some buckets stay, milliseconds; NaN where there is nothing. */
export function percentileOf(buckets: readonly (readonly [number, number])[], percent: number): number {
  const sorted = buckets.toSorted(([a], [b]) => a - b);
  const all = sorted.reduce((sum, [, count]) => sum + count, 0);
  let seen = 0;
  for (const [edge, count] of sorted) {
    seen += count;
    if (seen * 100 >= all * percent) return edge;
  }
  return Number.NaN;
}
