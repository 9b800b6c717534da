import type { Clock } from "@skep/clock";

const kept = 256;
const entries = 16;
const entryBytes = 192;
const leastMs = 50;

/** Bytes that `/proc/ingest/watch` keeps. */
export const watchBytes = entries * entryBytes;

function quantile(sorted: readonly number[], part: number): number {
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0);
}

/** How telemetry comes in: of this process, zero at its start. */
export class Figures {
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #took: number[] = [];
  #watched = Number.NEGATIVE_INFINITY;
  /** Records that wait for the disk. */
  queued = 0;
  /** Appends refused because there was no room. */
  backpressure = 0;
  /** Reads of these files. */
  reads = 0;

  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.monotonic();
  }

  took(ms: number): void {
    this.#took.push(ms);
    if (this.#took.length > kept) this.#took.shift();
  }

  /** Milliseconds from append to disk, of the last 256 appends. */
  get times(): { readonly p50: number; readonly p95: number } {
    const sorted = this.#took.toSorted((one, other) => one - other);
    return { p50: quantile(sorted, 0.5), p95: quantile(sorted, 0.95) };
  }

  /** A line for those who watch, at most one in 50 ms. */
  line(now: number, dropped: number, denies: number): string | undefined {
    if (this.now() - this.#watched < leastMs) return undefined;
    this.#watched = this.now();
    const { p50, p95 } = this.times;
    const { queued, backpressure, reads } = this;
    return `watch ts_ms=${now} p50_ms=${p50} p95_ms=${p95} queued=${queued} backpressure=${backpressure} dropped=${dropped} ui_reads=${reads} ui_denies=${denies}\n`;
  }
}
