import { fault } from "./faults.ts";
import type { Call } from "./host.ts";

/** One request on its way. */
export class Pending implements Call {
  readonly tag: number;
  /** The number of its message type. */
  readonly type: number;
  readonly fid: number;
  /** Answered, or never to be. What arrives after that is let go. */
  done = false;
  /** Counts against the limit of waiting reads. */
  waits = false;
  /** The most bytes that a read may answer. */
  most = 0;
  /** Gives back what the request had reserved; for a request that is dropped. */
  release: (() => void) | undefined;
  /** Tags of the Tflush that wait for this. */
  flushes: number[] | undefined;
  #controller: AbortController | undefined;
  #aborted = false;

  constructor(type: number, tag: number, fid: number) {
    this.type = type;
    this.tag = tag;
    this.fid = fid;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#aborted && !this.#controller.signal.aborted) this.#controller.abort(fault.canceled());
    return this.#controller.signal;
  }

  abort(): void {
    this.#aborted = true;
    this.#controller?.abort(fault.canceled());
  }
}

/** The requests of one connection that are not answered yet. */
export class Calls {
  readonly #calls = new Map<number, Pending>();
  readonly #window: number;
  readonly #maxWaiting: number;
  #waiting = 0;

  constructor(window: number, maxWaiting: number) {
    this.#window = window;
    this.#maxWaiting = maxWaiting;
  }

  get size(): number {
    return this.#calls.size;
  }

  get full(): boolean {
    return this.#calls.size >= this.#window;
  }

  get(tag: number): Pending | undefined {
    return this.#calls.size === 0 ? undefined : this.#calls.get(tag);
  }

  /** Keeps a call that was not answered at once; false where one more may not wait. */
  add(call: Pending): boolean {
    if (call.waits && this.#waiting >= this.#maxWaiting) return false;
    if (call.waits) this.#waiting += 1;
    this.#calls.set(call.tag, call);
    return true;
  }

  /** Counts a call as one that waits, also when it is kept already; false where one more may not wait. */
  wait(call: Pending): boolean {
    if (this.#calls.get(call.tag) === call) {
      if (this.#waiting >= this.#maxWaiting) return false;
      this.#waiting += 1;
    }
    call.waits = true;
    return true;
  }

  /** Takes out a call that is about to be answered or dropped. */
  end(call: Pending): void {
    call.done = true;
    if (this.#calls.get(call.tag) !== call) return;
    this.#calls.delete(call.tag);
    if (call.waits) this.#waiting -= 1;
  }

  of(fid: number): Pending[] {
    if (this.#calls.size === 0) return [];
    return [...this.#calls.values()].filter((call) => call.fid === fid);
  }

  all(): Pending[] {
    return [...this.#calls.values()];
  }
}
