import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import type { LoopFigures } from "@skep/provider-proc";

/** Milliseconds between two looks at the loop. */
const resolution = 5;

/** Seconds of a window: the one that runs and the one before are recent. */
const window = 5;

/** Share of its time above which a loop is busy enough to look at what its own thread used. */
const busy = 0.1;

const rounded = (ms: number): number => (Number.isFinite(ms) ? Math.max(0, Math.round(ms * 100) / 100) : 0);

// The histogram holds intervals between its own ticks: what is beyond one is the delay.
const delayOf = (nanoseconds: number): number => rounded(nanoseconds / 1e6 - resolution);

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
    this.#timer = on ? setInterval(() => this.#look(), resolution).unref() : undefined;
    this.#last = performance.now();
    this.#used = used();
  }

  #look(): void {
    const now = performance.now();
    const spent = used();
    this.max = Math.max(this.max, Math.min(now - this.#last - resolution, spent - this.#used));
    this.#last = now;
    this.#used = spent;
  }
}

/**
 * How long pieces of work held the event loop. One monitor looks at a time, since each costs an idle hive two hundred
 * wake-ups a second; the other keeps the window before.
 */
export class LoopMeter {
  #now = monitorEventLoopDelay({ resolution });
  #before = monitorEventLoopDelay({ resolution });
  #max = 0;
  #ownBefore = 0;
  #seconds = 0;
  #used = performance.eventLoopUtilization();
  readonly #own = new OwnTime();
  readonly #timer = setInterval(() => this.#second(), 1000).unref();

  constructor() {
    this.#now.enable();
  }

  #second(): void {
    const used = performance.eventLoopUtilization();
    this.#own.on = performance.eventLoopUtilization(used, this.#used).utilization > busy;
    this.#used = used;
    this.#seconds += 1;
    if (this.#seconds % window === 0) this.#next();
  }

  #next(): void {
    this.#max = Math.max(this.#max, this.#now.max);
    this.#now.disable();
    [this.#now, this.#before] = [this.#before, this.#now];
    this.#now.reset();
    this.#now.enable();
    this.#ownBefore = this.#own.max;
    this.#own.max = 0;
  }

  /** The hive serves from now on: how long its start held the loop was nobody's wait. */
  reset(): void {
    this.#max = 0;
    this.#now.reset();
    this.#before.reset();
    this.#ownBefore = 0;
    this.#own.max = 0;
  }

  get figures(): LoopFigures {
    const fuller = this.#now.count >= this.#before.count ? this.#now : this.#before;
    const recent = Math.max(this.#now.max, this.#before.max);
    return {
      samples: fuller.count,
      p50: delayOf(fuller.percentile(50)),
      p99: delayOf(fuller.percentile(99)),
      max: delayOf(Math.max(this.#max, recent)),
      recentMax: delayOf(recent),
      recentOwn: rounded(Math.max(this.#own.max, this.#ownBefore)),
    };
  }

  stop(): void {
    this.#now.disable();
    this.#own.on = false;
    clearInterval(this.#timer);
  }
}
