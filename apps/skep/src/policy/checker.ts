import { Worker } from "node:worker_threads";
import { type CheckedSet, type PolicyFiles, useCedar } from "@skep/policy";
import type { Checker } from "@skep/provider-policy";

interface Told {
  readonly id: number;
  readonly module: WebAssembly.Module;
  readonly checked?: CheckedSet;
  readonly error?: string;
}

class Thread implements Checker {
  /** Compiled once; the thread and the loop share it, and what either of them compiled of it. */
  #module: WebAssembly.Module | undefined;
  #worker: Worker | undefined;
  #next = 0;
  readonly #waiting = new Map<number, PromiseWithResolvers<Told>>();

  #start(): Worker {
    const worker = new Worker(new URL("./check-thread.ts", import.meta.url), {
      workerData: { module: this.#module },
      execArgv: ["--disable-warning=ExperimentalWarning"],
    });
    worker.unref();
    worker.on("message", (told: Told) => {
      this.#waiting.get(told.id)?.resolve(told);
      this.#waiting.delete(told.id);
    });
    worker.on("error", (error) => this.#fail(worker, error));
    worker.on("exit", () => this.#fail(worker, new Error("the checking thread ended")));
    return worker;
  }

  #fail(worker: Worker, error: unknown): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  #told(files: PolicyFiles): Promise<Told> {
    this.#worker ??= this.#start();
    this.#next += 1;
    const answer = Promise.withResolvers<Told>();
    this.#waiting.set(this.#next, answer);
    this.#worker.postMessage({ id: this.#next, files });
    return answer.promise;
  }

  async check(files: PolicyFiles): Promise<CheckedSet> {
    const { module, checked, error } = await this.#told(files);
    if (this.#waiting.size === 0) await this.#end();
    this.#module = module;
    await useCedar(module);
    if (!checked) throw new Error(error);
    return checked;
  }

  laterTurn(): Promise<void> {
    return new Promise((resolve) => void setImmediate(resolve));
  }

  async #end(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }
}

/** Checks policy sets in a thread that is started when it is needed, and ends when nothing is asked any more. */
export function openChecker(): Checker {
  return new Thread();
}
