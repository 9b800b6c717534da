import { fault } from "./faults.ts";
import type { Segments } from "./segments.ts";

/** Records of one group at most: its leaves, answers and effects are one piece of work when it is durable. */
const most = 128;

interface Waiting {
  readonly seq: number;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

/** Group commit: records queue while one write is in flight, and go down together in the next. */
export class GroupCommit {
  readonly #segments: Segments;
  readonly #defer: (act: () => void) => void;
  readonly #fatal: (error: unknown) => void;
  readonly #onDurable: (records: readonly Uint8Array[], first: number) => void;
  #queue: Uint8Array[] = [];
  #waiting: Waiting[] = [];
  #durable: number;
  #queued: number;
  #scheduled = false;
  #broken: unknown;
  #idle: Promise<void> = Promise.resolve();

  /**
   * `defer` runs an act once the present input has been handled; `onDurable` sees each group in order, before its
   * waiters; `fatal` is told once when a write or sync failed: the process must end then.
   */
  constructor(
    segments: Segments,
    hooks: {
      readonly defer: (act: () => void) => void;
      readonly onDurable: (records: readonly Uint8Array[], first: number) => void;
      readonly fatal: (error: unknown) => void;
    },
  ) {
    this.#segments = segments;
    this.#defer = hooks.defer;
    this.#fatal = hooks.fatal;
    this.#onDurable = hooks.onDurable;
    this.#durable = segments.records;
    this.#queued = segments.records;
  }

  /** Records that are durable: all sequences below this one. */
  get durable(): number {
    return this.#durable;
  }

  /** Sequence that the next record gets. */
  get next(): number {
    return this.#queued;
  }

  get depth(): number {
    return this.#queued - this.#durable;
  }

  /** Takes the record of sequence `next`. */
  push(record: Uint8Array): void {
    if (this.#broken) throw this.#broken;
    this.#queue.push(record);
    this.#queued += 1;
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#idle = new Promise((done) => this.#defer(() => done(this.#drain())));
  }

  /** Resolves when every record below `next` is durable; undefined when that is so already. */
  durableUpTo(next: number): Promise<void> | undefined {
    if (next <= this.#durable) return undefined;
    if (this.#broken) return Promise.reject(this.#broken);
    return new Promise((done, failed) => this.#wait({ seq: next, done, failed }));
  }

  #wait(one: Waiting): void {
    let at = this.#waiting.length;
    while (at > 0 && (this.#waiting[at - 1]?.seq ?? 0) > one.seq) at -= 1;
    if (at === this.#waiting.length) this.#waiting.push(one);
    else this.#waiting.splice(at, 0, one);
  }

  async #drain(): Promise<void> {
    try {
      while (this.#queue.length > 0) {
        const group = this.#queue.splice(0, most);
        await this.#segments.append(group);
        const first = this.#durable;
        this.#durable += group.length;
        this.#onDurable(group, first);
        this.#release();
      }
    } catch (error) {
      this.#break(error);
    }
    this.#scheduled = false;
  }

  #release(): void {
    const waiting = this.#waiting;
    let at = 0;
    while (at < waiting.length && (waiting[at]?.seq ?? 0) <= this.#durable) at += 1;
    if (at === 0) return;
    this.#waiting = waiting.slice(at);
    for (let index = 0; index < at; index += 1) waiting[index]?.done();
  }

  // fdatasync is never retried: what it failed to write may be lost although a second call succeeds.
  #break(error: unknown): void {
    this.#broken = fault.stopped(undefined, { cause: error });
    for (const one of this.#waiting) one.failed(this.#broken);
    this.#waiting = [];
    this.#fatal(error);
  }

  /** Waits for what is queued. */
  async close(): Promise<void> {
    while (this.#scheduled) await this.#idle;
    await this.#segments.close();
  }
}
