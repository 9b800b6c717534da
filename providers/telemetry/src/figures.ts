import type { Clock } from "@skep/clock";
import type { Ring, Scene } from "@skep/kernel";

const kept = 256;
const entries = 16;
const entryBytes = 192;
const leastMs = 50;

const watchBytes = entries * entryBytes;

function quantile(sorted: Float64Array, part: number): number {
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0);
}

/** How telemetry comes in, of segments and of rings: of this process, zero at its start. */
export class Figures {
  readonly #clock: Pick<Clock, "monotonic">;
  /** The last times, the oldest overwritten. */
  readonly #took = new Float64Array(kept);
  #count = 0;
  #watched = Number.NEGATIVE_INFINITY;
  /** Records that wait for the disk. */
  queued = 0;
  /** Appends refused because there was no room. */
  backpressure = 0;
  /** Lines that went with the oldest bytes of rings. */
  dropped = 0;
  /** Records that went with evicted segments, as long as there are segments. */
  evicted: () => number = () => 0;
  /** Refusals for the reason policy since the start. */
  denies: () => number = () => 0;
  /** Reads of these files. */
  reads = 0;

  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.monotonic();
  }

  took(ms: number): void {
    this.#took[this.#count % kept] = ms;
    this.#count += 1;
  }

  /** Milliseconds from append to disk, of the last 256 appends. */
  get times(): { readonly p50: number; readonly p95: number } {
    const sorted = this.#took.slice(0, Math.min(this.#count, kept)).sort();
    return { p50: quantile(sorted, 0.5), p95: quantile(sorted, 0.95) };
  }

  /** A line for those who watch, at most one in 50 ms. */
  line(now: number): string | undefined {
    if (this.now() - this.#watched < leastMs) return undefined;
    this.#watched = this.now();
    const { p50, p95 } = this.times;
    const { queued, backpressure, reads } = this;
    const counts = `queued=${queued} backpressure=${backpressure} dropped=${this.lost}`;
    return `watch ts_ms=${now} p50_ms=${p50} p95_ms=${p95} ${counts} ui_reads=${reads} ui_denies=${this.denies()}\n`;
  }

  /** What went to make room, since the start. */
  get lost(): number {
    return this.dropped + this.evicted();
  }

  /** `/proc/ingest/watch`, with a line more where it is time for one. */
  watched(scene: Pick<Scene, "now" | "ring">): Ring {
    const ring = scene.ring("/proc/ingest/watch", watchBytes);
    const line = this.line(scene.now);
    if (line !== undefined) ring.append(Buffer.from(line));
    return ring;
  }
}
