import { Worker } from "node:worker_threads";
import { type Index, type IndexEntry, indexFault, touchKind } from "@skep/kernel";

/** What the thread of an index is started with; it loads nothing of the kernel, which would cost it 8 MB. */
export interface IndexThread {
  readonly path: string;
  readonly touchKind: string;
}

/** What the thread of an index is asked. */
export type Question =
  | { readonly op: "add"; readonly entries: readonly IndexEntry[]; readonly upTo: number }
  | { readonly op: "find"; readonly kind: string; readonly key: string }
  | { readonly op: "page"; readonly kind: string; readonly below: number; readonly count: number }
  | { readonly op: "count"; readonly kind: string }
  | { readonly op: "touched"; readonly path: string; readonly below: number; readonly count: number }
  | { readonly op: "close" };

/** Its answer, in the order of the questions. */
export type Answer = { readonly value: unknown } | { readonly error: string };

interface Asked {
  readonly done: (value: unknown) => void;
  readonly failed: (error: unknown) => void;
}

/** Records without an entry after which the thread is told how far they go. */
const silence = 4096;

/** Adds gather for so long, milliseconds: waking the thread costs as much as a hundred of them. */
const gatherMs = 50;

/** Speaks with the thread. Adds gather for a while and while one is under way; a look-up sends what has gathered first. */
class ThreadIndex implements Index {
  readonly #worker: Worker;
  readonly #asked: Asked[] = [];
  #upTo = 0;
  #sent = 0;
  #gathered: IndexEntry[] = [];
  #gatheredUpTo = 0;
  #stalled: unknown;
  #closed = false;
  #scheduled = false;

  constructor(path: string) {
    this.#worker = new Worker(new URL("./index-worker.ts", import.meta.url), {
      workerData: { path, touchKind } satisfies IndexThread,
      resourceLimits: { maxYoungGenerationSizeMb: 2 },
    });
    this.#worker.on("message", (answer: Answer) => {
      const asked = this.#asked.shift();
      if ("error" in answer) asked?.failed(this.#stall(answer.error));
      else asked?.done(answer.value);
    });
    this.#worker.on("error", (error) => this.#fail(error));
    this.#worker.on("exit", () => this.#fail(new Error("the thread ended")));
  }

  async opened(): Promise<this> {
    this.#upTo = Number(await new Promise((done, failed) => this.#asked.push({ done, failed })));
    this.#gatheredUpTo = this.#upTo;
    this.#worker.unref();
    return this;
  }

  get upTo(): number {
    return this.#upTo;
  }

  // A batch that was not taken in leaves a hole, so nothing is looked up or added behind it.
  #stall(cause: unknown): unknown {
    this.#stalled ??= indexFault.stalled(undefined, { cause });
    this.#gathered = [];
    return this.#stalled;
  }

  #fail(cause: unknown): void {
    if (this.#asked.length === 0 && this.#closed) return;
    const error = this.#stall(cause);
    for (const asked of this.#asked.splice(0)) asked.failed(error);
  }

  #ask(question: Question): Promise<unknown> {
    if (this.#closed) return Promise.reject(indexFault.closed());
    if (this.#stalled && question.op !== "close") return Promise.reject(this.#stalled);
    return new Promise((done, failed) => {
      // Only an unanswered question keeps the process alive.
      if (this.#asked.length === 0) this.#worker.ref();
      const settled = () => {
        if (this.#asked.length === 0) this.#worker.unref();
      };
      this.#asked.push({
        done: (value) => {
          settled();
          done(value);
        },
        failed: (error) => {
          settled();
          failed(error);
        },
      });
      this.#worker.postMessage(question);
    });
  }

  add(entries: readonly IndexEntry[], upTo: number): void {
    if (this.#stalled || this.#closed) return;
    for (const entry of entries) this.#gathered.push(entry);
    this.#gatheredUpTo = upTo;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#sent > 0 || this.#scheduled || !this.#worthwhile) return;
    this.#scheduled = true;
    // Nothing waits for it: a look-up sends what has gathered, and what a crash takes comes again from the journal.
    setTimeout(() => {
      this.#scheduled = false;
      if (this.#sent === 0) this.#send();
    }, gatherMs).unref();
  }

  // Most records have no entry, and waking a thread costs more than deciding one of them.
  get #worthwhile(): boolean {
    return this.#gathered.length > 0 || this.#gatheredUpTo - this.#upTo >= silence;
  }

  #send(): void {
    if (this.#stalled || this.#gatheredUpTo === this.#upTo) return;
    const entries = this.#gathered;
    this.#gathered = [];
    this.#sent += 1;
    this.#ask({ op: "add", entries, upTo: this.#gatheredUpTo }).then(
      (upTo) => {
        this.#upTo = Number(upTo);
        this.#sent -= 1;
        this.#schedule();
      },
      () => {
        this.#sent -= 1;
      },
    );
  }

  #lookUp(question: Question): Promise<unknown> {
    if (this.#gathered.length > 0) this.#send();
    return this.#ask(question);
  }

  async find(kind: string, key: string): Promise<number | undefined> {
    return (await this.#lookUp({ op: "find", kind, key })) as number | undefined;
  }

  async page(kind: string, below: number, count: number): Promise<readonly IndexEntry[]> {
    return (await this.#lookUp({ op: "page", kind, below, count })) as readonly IndexEntry[];
  }

  async count(kind: string): Promise<number> {
    return (await this.#lookUp({ op: "count", kind })) as number;
  }

  async touched(path: string, below: number, count: number): Promise<readonly number[]> {
    return (await this.#lookUp({ op: "touched", path, below, count })) as readonly number[];
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#send();
    const done = this.#ask({ op: "close" });
    this.#closed = true;
    await done.catch(() => undefined);
    await this.#worker.terminate();
  }
}

/**
 * An index in SQLite and a thread of its own. A damaged or foreign database is thrown away: `upTo` is 0 then, and
 * the caller adds what the journal says. After a failure look-ups reject with `index.stalled` until it is opened anew.
 */
export function openIndex(path: string): Promise<Index> {
  return new ThreadIndex(path).opened();
}
