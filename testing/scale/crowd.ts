import { setTimeout as sleep } from "node:timers/promises";
import { Latencies } from "./latencies.ts";
import type { At } from "./line.ts";
import { type Given, ScaleWorker } from "./worker.ts";

/** What a crowd saw since it was last asked. */
export interface CrowdReport {
  readonly present: number;
  /** Records that were acknowledged. */
  readonly told: number;
  /** Records that were not, and connections that ended; none is tried again. */
  readonly errors: number;
  readonly firstError: string;
  /** Attaches that had to be tried again. */
  readonly retries: number;
  /** From the time at which a record was due to its acknowledgement, milliseconds: edge and count of each bucket. */
  readonly buckets: readonly (readonly [number, number])[];
  readonly max: number;
}

/** Milliseconds between two records of one worker. */
const period = 1000;
/** Milliseconds between two looks at what is due. */
const look = 4;
/** Workers that attach at a time. */
const lanes = 256;

/** Many workers in one process. */
export class Crowd {
  readonly #at: At;
  readonly #workers: readonly ScaleWorker[];
  #latencies = new Latencies();
  #errors = 0;
  #firstError = "";
  #retries = 0;
  #present = 0;
  #whole = Promise.withResolvers<void>();
  #telling = false;
  #closed = false;

  constructor(at: At, given: readonly Given[]) {
    this.#at = at;
    const told = {
      told: (due: number) => this.#latencies.add(performance.now() - due),
      failed: (why: string) => {
        if (this.#telling) this.#failed(why);
      },
    };
    this.#workers = given.map((one) => new ScaleWorker(one, told));
  }

  /** Resolves when all are attached; again after `scattered`. */
  get whole(): Promise<void> {
    return this.#whole.promise;
  }

  scattered(): void {
    this.#whole = Promise.withResolvers();
  }

  /** Attaches all, so many at a time, and keeps them attached. */
  start(): void {
    const waiting = [...this.#workers];
    const lane = async (): Promise<void> => {
      for (let worker = waiting.shift(); worker; worker = waiting.shift()) await this.#keep(worker);
    };
    for (let at = 0; at < lanes; at += 1) void lane();
  }

  /** Resolves when it is attached for the first time; from then on it comes back by itself. */
  async #keep(worker: ScaleWorker): Promise<void> {
    const attached = await this.#attach(worker);
    void attached?.over.then(async () => {
      this.#present -= 1;
      if (this.#telling) this.#failed("a connection ended");
      if (!this.#closed) await this.#keep(worker);
    });
  }

  async #attach(worker: ScaleWorker): Promise<{ readonly over: Promise<unknown> } | undefined> {
    for (let wait = 50; !this.#closed; wait = Math.min(2 * wait, 5000)) {
      try {
        const attached = await worker.attach(this.#at);
        this.#present += 1;
        if (this.#present === this.#workers.length) this.#whole.resolve();
        return attached;
      } catch (thrown) {
        this.#retries += 1;
        if (this.#firstError === "") this.#firstError = `attach: ${String(thrown)}`;
        await sleep(wait * (0.5 + Math.random()));
      }
    }
    return undefined;
  }

  #failed(why: string): void {
    this.#errors += 1;
    if (this.#errors === 1) this.#firstError = why;
  }

  /** Has every worker tell one record a second, their times spread evenly over it, until `quiet`. */
  async talk(): Promise<void> {
    this.#telling = true;
    const began = performance.now();
    const count = this.#workers.length;
    for (let next = 0; this.#telling; await sleep(look)) {
      const due = ((performance.now() - began) / period) * count;
      for (; next <= due && this.#telling; next += 1)
        this.#workers[next % count]?.tell(next, began + (next / count) * period);
    }
  }

  quiet(): void {
    this.#telling = false;
  }

  /** What was seen since the last report. */
  report(): CrowdReport {
    const { count, buckets, max } = this.#latencies;
    const report = {
      present: this.#present,
      told: count,
      errors: this.#errors,
      firstError: this.#firstError,
      retries: this.#retries,
      buckets,
      max,
    };
    this.#latencies = new Latencies();
    this.#errors = 0;
    this.#retries = 0;
    this.#firstError = "";
    return report;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.quiet();
    await Promise.all(this.#workers.map((worker) => worker.close()));
  }
}
