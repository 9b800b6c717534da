import type { Runner } from "./process.ts";

/** What the shared processes need of their pool. */
export interface SharedOptions {
  /** Jobs after which a process is replaced. */
  readonly jobs: number;
  /** Milliseconds of running after which a process is replaced, long before its processor time is used up. */
  readonly usedMs: number;
  readonly fresh: () => Promise<Runner>;
  readonly drop: (runner: Runner) => void;
}

/** Idle processes are ended after so long, milliseconds. */
const idleMs = 60_000;
/** Modules sent to one process; further ones go to a new one. */
const mostModules = 24;

/** Processes that serve several jobs, each those of one subject, one at a time. */
export class Shared {
  readonly #options: SharedOptions;
  readonly #idle = new Map<Runner, NodeJS.Timeout>();
  #closed = false;

  constructor(options: SharedOptions) {
    this.#options = options;
  }

  #remove(runner: Runner): void {
    clearTimeout(this.#idle.get(runner));
    this.#idle.delete(runner);
  }

  /** An idle process of the subject, else a new one in the place of the longest idle one. */
  async take(subject: string): Promise<Runner> {
    for (const runner of [...this.#idle.keys()].reverse()) {
      if (runner.subject !== subject) continue;
      this.#remove(runner);
      if (!runner.over) return runner;
      this.#options.drop(runner);
    }
    const [oldest] = this.#idle.keys();
    if (oldest) this.#discard(oldest);
    const runner = await this.#options.fresh();
    runner.subject = subject;
    return runner;
  }

  #discard(runner: Runner): void {
    this.#remove(runner);
    this.#options.drop(runner);
  }

  /** Takes a process back after a job; only one that ended well and is not worn out is kept. */
  give(runner: Runner, well: boolean): void {
    runner.jobs++;
    const { jobs, usedMs } = this.#options;
    const worn = runner.jobs >= jobs || runner.usedMs >= usedMs || runner.sent.size >= mostModules;
    if (this.#closed || !well || worn || runner.over) {
      this.#options.drop(runner);
      return;
    }
    const timer = setTimeout(() => this.#discard(runner), idleMs);
    timer.unref();
    this.#idle.set(runner, timer);
  }

  /** Ends the idle ones. */
  rest(): void {
    for (const runner of [...this.#idle.keys()]) this.#discard(runner);
  }

  close(): void {
    this.#closed = true;
    this.rest();
  }
}
