import type { Journal } from "../journal/journal.ts";
import type { Deciding, Decision, Json } from "../namespace/node.ts";
import type { KernelOptions } from "./options.ts";
import { pointTo } from "./snapshot.ts";
import type { Recovered } from "./recover.ts";
import { emit } from "./slice.ts";

interface Host {
  readonly options: KernelOptions;
  readonly journal: Journal;
  readonly recovered: Recovered;
  settled(): Promise<void> | undefined;
  system(
    provider: string,
    path: string,
    command: Json,
    decide: (deciding: Deciding) => Decision | undefined,
  ): number | undefined;
}

/** Has snapshots folded in another thread once enough records came since the last. */
export class Snapshots {
  readonly #host: Host;
  readonly #every: number;
  #last: number;
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(host: Host) {
    this.#host = host;
    this.#every = host.options.snapshotEvery ?? 50_000;
    this.#last = host.recovered.snapshot ?? 0;
  }

  /** Starts one when it is due and none is running. */
  due(): void {
    const { durable } = this.#host.journal;
    if (this.#running || this.#closed || !this.#host.options.fold || durable - this.#last < this.#every)
      return;
    this.#running = this.take().finally(() => {
      this.#running = undefined;
    });
  }

  /** Folds up to what is durable now, journals the digest, and only then lets the snapshot count. */
  async take(): Promise<void> {
    const { options, journal } = this.#host;
    const seq = journal.durable;
    this.#last = seq;
    try {
      await journal.saveTree();
      const made = await options.fold?.(seq);
      if (!made || this.#closed) return;
      const { file, digest, code } = made;
      const root = Buffer.from(await journal.rootAt(seq)).toString("hex");
      const record = this.#host.system("kernel", "/", { op: "snapshot" }, () => ({
        events: [emit("snapshot@1", { seq, digest, root })],
      }));
      await this.#host.settled();
      if (record !== undefined) await pointTo(options.files, { file, seq, digest, root, record, code });
    } catch (error) {
      options.log?.(`snapshot at ${seq} failed: ${String(error)}`);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }
}
