import type { Journal } from "../journal/journal.ts";
import type { Deciding, Decision, Json } from "../namespace/node.ts";
import type { KernelOptions } from "./options.ts";
import { pointTo } from "./snapshot.ts";
import type { Made } from "./made.ts";
import type { Recovered } from "./recover.ts";
import { emit } from "./slice.ts";
import { Spacing } from "./spacing.ts";

interface Host {
  readonly options: KernelOptions;
  readonly journal: Journal;
  readonly recovered: Recovered;
  readonly time: { monotonic(): number };
  settled(): Promise<void> | undefined;
  system(
    provider: string,
    path: string,
    command: Json,
    decide: (deciding: Deciding) => Decision | undefined,
  ): number | undefined;
}

/** Records that a start folds without keeping a snapshot of them; all where nobody folds snapshots. */
export function snapshotEvery({ fold, snapshotEvery: every = 50_000 }: KernelOptions): number {
  return fold ? every : Number.POSITIVE_INFINITY;
}

/** Has snapshots folded in another thread once enough records came since the last. */
export class Snapshots {
  readonly #host: Host;
  readonly #spacing: Spacing;
  #last: number;
  #running: Promise<void> | undefined;
  #folding = false;
  #closed = false;

  constructor(host: Host) {
    this.#host = host;
    this.#spacing = new Spacing(host.options.snapshotEvery);
    this.#last = host.recovered.made?.seq ?? host.recovered.snapshot ?? 0;
  }

  /** Lets the snapshot count that recovery made; to be called once the start is journalled. */
  begin(): void {
    const { made } = this.#host.recovered;
    if (made) this.#run(this.#count(made, made.seq), made.seq);
  }

  /** Starts one when it is due and none is running. */
  due(): void {
    const { journal, options, time } = this.#host;
    const { durable } = journal;
    const more = durable - this.#last;
    if (this.#running || this.#closed || !options.fold || more < this.#spacing.every) return;
    if (!this.#spacing.due(more, time.monotonic())) return;
    this.#last = durable;
    this.#run(this.#take(durable), durable);
  }

  #run(work: Promise<void>, seq: number): void {
    this.#running = work
      .catch((error) => {
        if (!this.#closed) this.#host.options.log?.(`snapshot at ${seq} failed: ${String(error)}`);
      })
      .finally(() => {
        this.#running = undefined;
      });
  }

  async #take(seq: number): Promise<void> {
    this.#folding = true;
    const made = await this.#host.options.fold?.(seq).finally(() => {
      this.#folding = false;
    });
    if (!made || this.#closed) return;
    this.#spacing.learn(made.cost, this.#host.time.monotonic());
    await this.#count(made, seq);
  }

  // Journals the digest of what was folded, and only then lets the snapshot count.
  async #count({ file, digest, code }: Made, seq: number): Promise<void> {
    const { options, journal } = this.#host;
    await journal.saveTree();
    const root = Buffer.from(await journal.rootAt(seq)).toString("hex");
    const record = this.#host.system("kernel", "/", { op: "snapshot" }, () => ({
      events: [emit("snapshot@1", { seq, digest, root })],
    }));
    await this.#host.settled();
    if (record !== undefined) await pointTo(options.files, { file, seq, digest, root, record, code });
  }

  /** Resolves when none is being made. */
  async idle(): Promise<void> {
    await this.#running;
  }

  /** Waits for what is being written; a fold that still runs is given up by whoever runs it. */
  async close(): Promise<void> {
    this.#closed = true;
    if (!this.#folding) await this.#running;
  }
}
