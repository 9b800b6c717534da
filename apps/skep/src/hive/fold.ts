import { Worker } from "node:worker_threads";
import type { Made, PastAnswer, PastQuestion } from "@skep/kernel";
import type { ReplayTold } from "@skep/provider-audit";
import type { Values } from "../config/mod.ts";
import type { FoldAnswer, FoldQuestion } from "./fold-protocol.ts";

/** Folding apart from the live state, in threads: snapshots, and the past. */
export interface Fold {
  snapshot(seq: number): Promise<Made>;
  /** Answers a question about the files as they were. */
  past(question: PastQuestion): Promise<PastAnswer>;
  /** Judges the records from one to another (exclusive) again. */
  replay(from: number, to: number): Promise<ReplayTold>;
  /** Starts a thread for the past before it is asked, so that the first look need not wait for that; once. */
  warm(seq: number): Promise<void>;
  close(): Promise<void>;
}

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

class FoldThread {
  readonly #home: string;
  readonly #values: Values | undefined;
  readonly #log: (line: string) => void;
  #worker: Worker | undefined;
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;

  constructor(home: string, values: Values | undefined, log: (line: string) => void) {
    this.#home = home;
    this.#values = values;
    this.#log = log;
  }

  get load(): number {
    return this.#waiting.size;
  }

  /** Whether it is there and has nothing to do. */
  get idle(): boolean {
    return this.#worker !== undefined && this.load === 0;
  }

  #start(): Worker {
    const worker = new Worker(new URL("./fold-thread.ts", import.meta.url), {
      workerData: { home: this.#home, values: this.#values },
      execArgv: ["--disable-warning=ExperimentalWarning"],
    });
    worker.unref();
    worker.on("message", ({ id, value, error }: FoldAnswer) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error) waiting?.reject(error);
      else waiting?.resolve(value as never);
      if (this.#waiting.size === 0) worker.unref();
    });
    worker.on("error", (error) => this.#fail(error));
    worker.on("exit", () => this.#fail(new Error("the folding thread ended")));
    return worker;
  }

  #fail(error: unknown): void {
    if (this.#waiting.size > 0) this.#log(`folding thread: ${String(error)}`);
    this.#worker = undefined;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  ask<T>(question: FoldQuestion): Promise<T> {
    this.#worker ??= this.#start();
    const worker = this.#worker;
    worker.ref();
    this.#next += 1;
    const id = this.#next;
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (value: never) => void, reject });
      worker.postMessage({ id, question });
    });
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }
}

/**
 * Threads are started when first needed: one for snapshots, one for replays, two for the past. A look into the past
 * rather takes one that is there and idle than wait for another to start. `values` are those of the running hive, where
 * its configuration came from elsewhere than the home's own file.
 */
export function openFold(home: string, log: (line: string) => void, values?: Values): Fold {
  const snapshots = new FoldThread(home, values, log);
  const replays = new FoldThread(home, values, log);
  const past = [new FoldThread(home, values, log), new FoldThread(home, values, log)] as const;
  const forPast = (): FoldThread => {
    const [first, second] = past;
    const idle = [first, second, replays, snapshots].find((thread) => thread.idle);
    return idle ?? (first.load <= second.load ? first : second);
  };
  return {
    snapshot: (seq) => snapshots.ask({ op: "snapshot", seq }),
    replay: (from, to) => replays.ask({ op: "replay", from, to }),
    past: (question) => forPast().ask({ op: "past", question }),
    warm: (seq) => past[0].ask({ op: "warm", seq }),
    close: async () => {
      await Promise.all([snapshots, replays, ...past].map((thread) => thread.close()));
    },
  };
}
