import { type Fault, toFault } from "@skep/fault";
import { Calls, Pending } from "./calls.ts";
import { numberOf } from "./codec.ts";
import { HEADER, NOTAG } from "./constants.ts";
import { fault } from "./faults.ts";
import type { Awaitable } from "./host.ts";
import type { Outbox } from "./outbox.ts";

const LERROR = numberOf("Rlerror");
const TWRITE = numberOf("Twrite");
const TCLUNK = numberOf("Tclunk");

/** Writes the answer to a call from what the host gave; throws where that is no answer. */
export type Put = (call: Pending, value: unknown) => void;

/** How many requests there may be, and who hears of faults that are `internal`. */
export interface ExchangeOptions {
  readonly window: number;
  readonly waiting: number;
  readonly report: ((fault: Fault) => void) | undefined;
}

/** From requests to answers: tags, waiting, flushing and refusing, whatever the requests are about. */
export class Exchange {
  readonly #outbox: Outbox;
  readonly #options: ExchangeOptions;
  #calls: Calls;
  /** The calls that a Tflush waits for, by the tag of that Tflush. */
  #flushing = new Map<number, Pending>();

  constructor(outbox: Outbox, options: ExchangeOptions) {
    this.#outbox = outbox;
    this.#options = options;
    this.#calls = this.#newCalls();
  }

  get size(): number {
    return this.#calls.size;
  }

  #newCalls(): Calls {
    return new Calls(this.#options.window, this.#options.waiting);
  }

  /** A call for a request, or nothing where the window is full and it was refused. */
  begin(type: number, tag: number, fid: number): Pending | undefined {
    if (tag === NOTAG) throw fault.protocol("a request without a tag");
    if (this.#calls.get(tag) || this.#flushing.has(tag)) throw fault.protocol(`tag ${tag} is in use`);
    if (!this.#calls.full || type === TCLUNK) return new Pending(type, tag, fid);
    this.refuse(tag, fault.windowFull());
    return undefined;
  }

  /** Says that a read may wait for something to happen; throws where no more may. */
  waits(call: Pending): void {
    if (!this.#calls.wait(call)) throw fault.waitLimit();
  }

  run(call: Pending, work: () => Awaitable<unknown>, put: Put): void {
    try {
      const value = work();
      if (value instanceof Promise) this.#later(call, value, put);
      else put(call, value);
    } catch (thrown) {
      this.refuse(call.tag, thrown);
    }
  }

  #later(call: Pending, value: Promise<unknown>, put: Put): void {
    if (!this.#calls.add(call)) {
      call.done = true;
      call.abort();
      value.catch(() => undefined);
      throw fault.waitLimit();
    }
    value.then(
      (found) => this.#finish(call, () => put(call, found)),
      (thrown) => this.#finish(call, () => this.refuse(call.tag, thrown)),
    );
  }

  #finish(call: Pending, answer: () => void): void {
    if (call.done) return;
    this.#calls.end(call);
    try {
      answer();
    } catch (thrown) {
      this.refuse(call.tag, thrown);
    }
    this.#answerFlushes(call);
    this.#outbox.flushSoon();
  }

  /**
   * Ends an older request. A write is told to hurry and answered as it turns out, so that nobody takes it for
   * undone; everything else is dropped without an answer. Rflush comes after that.
   */
  flush(tag: number, oldtag: number): void {
    if (this.#calls.get(tag) || this.#flushing.has(tag)) throw fault.protocol(`tag ${tag} is in use`);
    const call = this.#calls.get(oldtag) ?? this.#flushing.get(oldtag);
    if (!call) {
      this.#outbox.put("Rflush", tag, {});
      return;
    }
    call.flushes = [...(call.flushes ?? []), tag];
    this.#flushing.set(tag, call);
    if (call.type !== TWRITE) this.#drop(call);
    call.abort();
    if (call.done) this.#answerFlushes(call);
  }

  #drop(call: Pending): void {
    call.release?.();
    this.#calls.end(call);
  }

  #answerFlushes(call: Pending): void {
    for (const tag of call.flushes ?? []) {
      this.#flushing.delete(tag);
      this.#outbox.put("Rflush", tag, {});
    }
    call.flushes = undefined;
  }

  /** A fid is gone: what waits on it is answered now, writes as they turn out. */
  dropped(fid: number, cause: () => Error): void {
    const calls = this.#calls.of(fid);
    if (calls.length === 0) return;
    for (const call of calls) {
      if (call.type !== TWRITE) {
        this.#drop(call);
        this.refuse(call.tag, cause());
        this.#answerFlushes(call);
      }
      call.abort();
    }
    this.#outbox.flushSoon();
  }

  refuse(tag: number, thrown: unknown): void {
    const found = toFault(thrown);
    if (found.kind === "internal") this.report(found);
    const at = this.#outbox.header(HEADER + 4, LERROR, tag);
    this.#outbox.bytes.writeUInt32LE(found.row.errno, at);
  }

  report(found: Fault): void {
    try {
      this.#options.report?.(found);
    } catch {
      // whoever listens must not end the connection of somebody else
    }
  }

  /** Ends every call without an answer. */
  reset(): void {
    const calls = this.#calls.all();
    this.#calls = this.#newCalls();
    this.#flushing = new Map();
    for (const call of calls) {
      call.done = true;
      call.abort();
    }
  }
}
