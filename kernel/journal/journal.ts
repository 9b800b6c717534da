import { rootFromTiles } from "@skep/tlog";
import type { Files } from "../store/files.ts";
import { GroupCommit } from "./commit.ts";
import { fault } from "./faults.ts";
import { decodeRecord, encodeRecord, type JournalRecord } from "./record.ts";
import { type Opened, Segments } from "./segments.ts";
import { JournalTree } from "./tree.ts";

const tilesName = "journal/tiles";

/** What the journal is given. */
export interface JournalHooks {
  /** Runs an act after the input at hand was handled (`setImmediate`). */
  readonly defer: (act: () => void) => void;
  /** Told once when the disk failed; the process must end. */
  readonly fatal: (error: unknown) => void;
  /** After each group: all sequences below `next` are durable. Comes before the waiters of `durableUpTo`. */
  readonly durable?: (next: number) => void;
}

/** Segments, group commit and Merkle tree as one: records in, proofs out. */
export class Journal {
  readonly #files: Files;
  readonly segments: Segments;
  readonly tree: JournalTree;
  readonly #commit: GroupCommit;
  readonly opened: Opened;
  #bytes = 0;

  private constructor(files: Files, segments: Segments, opened: Opened, hooks: JournalHooks) {
    this.#files = files;
    this.segments = segments;
    this.opened = opened;
    this.tree = new JournalTree((from, count) => segments.read(from, count));
    this.#commit = new GroupCommit(segments, {
      defer: hooks.defer,
      fatal: hooks.fatal,
      onDurable: (records) => {
        for (const record of records) this.tree.append(record);
        hooks.durable?.(this.#commit.durable);
      },
    });
  }

  /** Opens and checks the segments; throws `journal.damaged`, `.gap` or `.short`, cuts a torn tail. */
  static async open(
    files: Files,
    hooks: JournalHooks,
    options: { readonly segmentSize?: number | undefined; readonly least?: number } = {},
  ): Promise<Journal> {
    const segments = new Segments(files, options);
    const opened = await segments.open(true, options.least);
    return new Journal(files, segments, opened, hooks);
  }

  /**
   * Opens a journal that another process or thread writes, to read it: nothing is repaired, nothing can be pushed. With
   * `trust` sealed segments are not read to be checked: for threads of the daemon, which did at its start. Whoever trusts
   * and wants only the records below `below` may get no more than the sealed segments hold, for a fraction of the work.
   */
  static async openToRead(
    files: Files,
    options: { readonly trust?: boolean; readonly below?: number } = {},
  ): Promise<Journal> {
    const segments = new Segments(files, options);
    const opened = await segments.open(false);
    const never = (): never => {
      throw fault.reading();
    };
    return new Journal(files, segments, opened, { defer: never, fatal: never });
  }

  /** Sequence of the next record. */
  get next(): number {
    return this.#commit.next;
  }

  /** All sequences below this one are durable. */
  get durable(): number {
    return this.#commit.durable;
  }

  /** Records that wait for the disk. */
  get depth(): number {
    return this.#commit.depth;
  }

  /** Bytes journalled since the start. */
  get written(): number {
    return this.#bytes;
  }

  /** Queues an encoded record; its sequence must be `next`. */
  push(bytes: Uint8Array): void {
    this.#commit.push(bytes);
    this.#bytes += bytes.length;
  }

  durableUpTo(next: number): Promise<void> | undefined {
    return this.#commit.durableUpTo(next);
  }

  /**
   * Rebuilds the tree up to what is on disk, from the kept tile hashes where they fit, and visits the records from
   * `from` on. Throws `journal.tree` when the records before `from` do not have the given root.
   */
  async growTree(visit: (record: JournalRecord) => void, from = 0, root?: Uint8Array): Promise<void> {
    const seeded = await this.#seedTree(root ? from : 0);
    await this.#grow(from);
    if (root && !Buffer.from(this.tree.root()).equals(root)) {
      if (!seeded) throw fault.tree();
      await this.#files.remove(tilesName);
      return this.growTree(visit, from, root);
    }
    await this.#grow(this.segments.records, visit);
    return undefined;
  }

  async #grow(end: number, visit?: (record: JournalRecord) => void): Promise<void> {
    while (this.tree.size < end)
      for (const record of await this.segments.read(this.tree.size, Math.min(4096, end - this.tree.size))) {
        this.tree.append(record);
        visit?.(decodeRecord(record));
      }
  }

  async #seedTree(from: number): Promise<boolean> {
    this.tree.seed(new Uint8Array(0));
    const size = await this.#files.size(tilesName);
    if (!size || from < 256) return false;
    const wanted = Math.min(Math.floor(size / 32), Math.floor(from / 256)) * 32;
    this.tree.seed(await this.#files.read(tilesName, 0, wanted));
    return true;
  }

  /** Keeps the hashes of full tiles for the next start; rebuildable, so not synced with anything. */
  async saveTree(): Promise<void> {
    await this.#files.replace(tilesName, Uint8Array.from(this.tree.fullTiles));
  }

  /** Root of the tree of the first `size` records. */
  rootAt(size: number): Promise<Uint8Array> {
    return rootFromTiles(size, (level, index, width) => this.tree.tile(level, index, width));
  }

  async record(seq: number): Promise<JournalRecord> {
    const [bytes] = await this.segments.read(seq, 1);
    return decodeRecord(bytes ?? new Uint8Array(0));
  }

  /** Records from a sequence on, in order, up to `end` (exclusive) or fewer; at least one. */
  async batch(from: number, end: number): Promise<JournalRecord[]> {
    return (await this.segments.read(from, Math.min(1024, end - from))).map(decodeRecord);
  }

  /** Records from a sequence on, in order, up to `end` (exclusive). */
  async *records(from: number, end = this.durable): AsyncGenerator<JournalRecord> {
    for (let at = from; at < end; ) {
      const batch = await this.batch(at, end);
      yield* batch;
      at += batch.length;
    }
  }

  async close(): Promise<void> {
    await this.#commit.close();
    await this.saveTree();
  }
}

export { encodeRecord };
