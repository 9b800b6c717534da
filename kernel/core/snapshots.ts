import type { Timer } from "@skep/clock";
import type { Journal } from "../journal/journal.ts";
import type { Deciding, Decision, Json } from "../namespace/node.ts";
import type { KernelOptions } from "./options.ts";
import { pointTo } from "./snapshot.ts";
import { missing } from "./snapshot-missing.ts";
import type { Made } from "./made.ts";
import type { Recovered } from "./recover.ts";
import { emit } from "./slice.ts";
import { Spacing, share } from "./spacing.ts";

interface Host {
  readonly options: KernelOptions;
  readonly journal: Journal;
  readonly recovered: Recovered;
  readonly slices: { readonly code: string };
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

/** What is not needed for the present waits as if this had been worked before, so that a start is over, milliseconds. */
const firstRest = 1000;

/** Has snapshots folded in another thread once enough records came since the last. */
export class Snapshots {
  readonly #host: Host;
  readonly #spacing: Spacing;
  #last: number;
  #running: Promise<void> | undefined;
  #folding = false;
  #closed = false;
  #rest: Timer | undefined;

  constructor(host: Host) {
    this.#host = host;
    this.#spacing = new Spacing(host.options.snapshotEvery);
    this.#last = host.recovered.made?.seq ?? host.recovered.snapshot ?? 0;
  }

  /** Lets the snapshot count that recovery made; to be called once the start is journalled. */
  begin(): void {
    const { made } = this.#host.recovered;
    if (made) this.#run(this.#count(made, made.seq), made.seq);
    if (this.#host.options.fold) void this.#begin();
  }

  async #begin(): Promise<void> {
    await this.#running;
    const { options, slices } = this.#host;
    const marks = await missing(options.files, slices.code, options.snapshotEvery).catch(() => []);
    if (marks.length === 0 || this.#closed) return;
    options.log?.(
      `snapshots: ${marks.length} older ones are made anew in the background, so that /at is quick again; the program changed`,
    );
    this.#next(marks, firstRest);
  }

  // One after the other, oldest first, since each is folded from the one before; between them it rests.
  #next([mark, ...others]: readonly number[], took: number): void {
    if (mark === undefined || this.#closed) return;
    const { clock } = this.#host.options;
    this.#rest = clock.after(Math.ceil((took * (1 - share)) / share), async () => {
      while (this.#running) await this.#running;
      if (this.#closed) return;
      const began = this.#host.time.monotonic();
      this.#run(this.#take(mark), mark);
      await this.#running;
      this.#next(others, this.#host.time.monotonic() - began);
    });
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
    this.#rest?.stop();
    if (!this.#folding) await this.#running;
  }
}
