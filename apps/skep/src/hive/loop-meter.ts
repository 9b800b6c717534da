import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import type { LoopFigures } from "@skep/provider-proc";

/** Milliseconds between two looks at a loop that is busy, and at one that rests: each look wakes the processor. */
const resolutions = { busy: 5, idle: 20 } as const;

/** Milliseconds of a window. */
const span = 5000;

/** Share of its time above which a loop is busy. */
const busy = 0.1;

const rounded = (ms: number): number => (Number.isFinite(ms) ? Math.max(0, Math.round(ms * 100) / 100) : 0);

/** Processor time of this thread since its start, milliseconds. */
function used(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/**
 * How much of a delay the loop's own thread worked: at most the delay, and at most what the thread used since the look
 * before. The rest of it other threads and programs had the processor.
 */
class OwnTime {
  max = 0;
  #timer: NodeJS.Timeout | undefined;
  #last = 0;
  #used = 0;

  set on(on: boolean) {
    if (on === (this.#timer !== undefined)) return;
    clearInterval(this.#timer);
    this.#timer = on ? setInterval(() => this.#look(), resolutions.busy).unref() : undefined;
    this.#last = performance.now();
    this.#used = used();
  }

  #look(): void {
    const now = performance.now();
    const spent = used();
    this.max = Math.max(this.max, Math.min(now - this.#last - resolutions.busy, spent - this.#used));
    this.#last = now;
    this.#used = spent;
  }
}

/** A stretch of time in which the loop was looked at as often as its work asked for. */
class Window {
  readonly began = performance.now();
  readonly resolution: number;
  readonly #monitor: ReturnType<typeof monitorEventLoopDelay>;
  #own = 0;

  constructor(resolution: number) {
    this.resolution = resolution;
    this.#monitor = monitorEventLoopDelay({ resolution });
    this.#monitor.enable();
  }

  close(own: number): void {
    this.#own = own;
    this.#monitor.disable();
  }

  get samples(): number {
    return this.#monitor.count;
  }

  get own(): number {
    return this.#own;
  }

  get max(): number {
    return this.#delayOf(this.#monitor.max);
  }

  percentile(percent: number): number {
    return this.#delayOf(this.#monitor.percentile(percent));
  }

  // The histogram holds intervals between its own ticks: what is beyond one is the delay.
  #delayOf(nanoseconds: number): number {
    return rounded(nanoseconds / 1e6 - this.resolution);
  }
}

/** How long pieces of work held the event loop, of the last five to ten seconds and since the hive was ready. */
export class LoopMeter {
  #now = new Window(resolutions.idle);
  /** Those before, the newest last; they reach back five seconds. */
  #before: readonly Window[] = [];
  #max = 0;
  #used = performance.eventLoopUtilization();
  readonly #own = new OwnTime();
  readonly #timer = setInterval(() => this.#second(), 1000).unref();

  #second(): void {
    const used = performance.eventLoopUtilization();
    const isBusy = performance.eventLoopUtilization(used, this.#used).utilization > busy;
    this.#used = used;
    this.#own.on = isBusy;
    const resolution = isBusy ? resolutions.busy : resolutions.idle;
    const now = performance.now();
    // A timer of a second comes a little late, never a little early.
    if (resolution !== this.#now.resolution || now - this.#now.began >= span - 500)
      this.#next(resolution, now);
  }

  #next(resolution: number, now: number): void {
    this.#now.close(this.#own.max);
    this.#max = Math.max(this.#max, this.#now.max);
    const all = [...this.#before, this.#now];
    // One that ended within the span is recent, and it ended where the next began.
    this.#before = all.filter((_, at) => now - (all[at + 1]?.began ?? now) < span);
    this.#own.max = 0;
    this.#now = new Window(resolution);
  }

  /** The hive serves from now on: how long its start held the loop was nobody's wait. */
  reset(): void {
    this.#next(this.#now.resolution, performance.now());
    this.#before = [];
    this.#max = 0;
  }

  get figures(): LoopFigures {
    const recent = [...this.#before, this.#now];
    const fullest = recent.reduce((one, other) => (other.samples >= one.samples ? other : one));
    const recentMax = Math.max(...recent.map(({ max }) => max));
    return {
      samples: fullest.samples,
      p50: fullest.percentile(50),
      p99: fullest.percentile(99),
      max: Math.max(this.#max, recentMax),
      recentMax,
      recentOwn: rounded(Math.max(this.#own.max, ...this.#before.map(({ own }) => own))),
    };
  }

  stop(): void {
    this.#now.close(0);
    this.#own.on = false;
    clearInterval(this.#timer);
  }
}
