/** Upper bounds of the buckets, milliseconds; what is longer is counted behind the last. They never change. */
export const bounds: readonly number[] = [1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 75, 100, 200, 500, 1000, 5000];

/** How often something took how long. */
export interface Histogram {
  /** One more than there are bounds. */
  readonly counts: readonly number[];
  readonly max: number;
  readonly sum: number;
}

/** Nothing counted yet. */
export const emptyHistogram: Histogram = { counts: bounds.map(() => 0).concat(0), max: 0, sum: 0 };

/** One more time, milliseconds. */
export function addTime(histogram: Histogram, ms: number): Histogram {
  const found = bounds.findIndex((bound) => ms <= bound);
  const at = found < 0 ? bounds.length : found;
  return {
    counts: histogram.counts.map((count, index) => (index === at ? count + 1 : count)),
    max: Math.max(histogram.max, ms),
    sum: histogram.sum + ms,
  };
}

/** How many times were counted. */
export function countOf({ counts }: Histogram): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

/** The bound under which so many percent of the times lie, never above the longest; undefined when nothing was counted. */
export function percentileOf(histogram: Histogram, percent: number): number | undefined {
  const wanted = (countOf(histogram) * percent) / 100;
  let passed = 0;
  for (const [at, count] of histogram.counts.entries()) {
    passed += count;
    if (count > 0 && passed >= wanted) return Math.min(bounds[at] ?? histogram.max, histogram.max);
  }
  return undefined;
}
