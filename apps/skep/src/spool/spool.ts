import { faults } from "@skep/fault";
import type { AppendFile, Files } from "@skep/kernel";
import { printRecord, readRecord, recordHead, type SpoolRecord } from "./record.ts";
import { Settings } from "./settings.ts";

const fault = faults("spool", {
  full: [
    "quota",
    "Cannot spool: it is full of records that nobody acknowledged",
    { cure: "Forward it: `skep telemetry forward`" },
  ],
  long: ["oversize", "Cannot spool a record that is longer than a part of the spool"],
  broken: ["internal", "Cannot spool: a write to the disk failed; open the spool again"],
  gap: ["corrupt", "Cannot read the spool: a record is missing"],
  ahead: ["invalid", "Cannot acknowledge a record that is not there"],
});

/** How much a spool keeps. */
export interface SpoolOptions {
  /** Bytes of all files together, at least four kilobytes. */
  readonly most: number;
  /** Names the spool for whoever takes its records; asked once in its life. */
  readonly name: () => string;
  /** Wall clock, milliseconds since 1970. */
  readonly now: () => number;
  /** Folder of its files; `spool` where left out. */
  readonly dir?: string;
}

/** What a spool tells of itself. */
export interface SpoolStatus {
  readonly name: string;
  readonly records: number;
  /** Records that nobody acknowledged. */
  readonly waiting: number;
  readonly bytes: number;
  readonly most: number;
  readonly acknowledged: number;
  readonly next: number;
}

type Kept = { readonly name: string; readonly acknowledged: number };

interface Part {
  readonly file: string;
  readonly first: number;
  bytes: number;
  records: SpoolRecord[];
}

const usualDir = "spool";
const parts = 4;
const fileOf = (dir: string, first: number): string => `${dir}/${String(first).padStart(15, "0")}.log`;

async function readPart(files: Files, dir: string, name: string): Promise<Part> {
  const file = `${dir}/${name}`;
  const bytes = Buffer.from(await files.read(file, 0, (await files.size(file)) ?? 0));
  const records: SpoolRecord[] = [];
  let at = 0;
  for (let found = readRecord(bytes, at); found; found = readRecord(bytes, at)) {
    records.push(found);
    at += recordHead + found.payload.length;
  }
  // Nobody was told that what comes after the last whole record is kept.
  if (at < bytes.length) await files.truncate(file, at);
  return { file, first: Number.parseInt(name, 10), bytes: at, records };
}

function checkGaps(all: readonly Part[]): void {
  let next = all[0]?.first ?? 1;
  for (const { first, records } of all) {
    if (first !== next) throw fault.gap(`${next}`);
    for (const { seq } of records) {
      if (seq !== next) throw fault.gap(`${next}`);
      next += 1;
    }
  }
}

/**
 * Store and forward: records in files, in order, each durable before it is told to be. Full, it lets only go what was
 * acknowledged, and else refuses.
 */
export class Spool implements AsyncDisposable {
  readonly #files: Files;
  readonly #options: SpoolOptions;
  readonly #settings: Settings<Kept>;
  readonly #parts: Part[];
  #file: AppendFile | undefined;
  /** Whose last write failed: how much of that is there nobody knows. */
  #broken: Part | undefined;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(files: Files, options: SpoolOptions, settings: Settings<Kept>, all: Part[]) {
    this.#files = files;
    this.#options = options;
    this.#settings = settings;
    this.#parts = all;
  }

  /** Opens what is there, and cuts off what a power cut left unfinished. Throws `spool.gap` where a file is damaged. */
  static async open(files: Files, options: SpoolOptions): Promise<Spool> {
    const dir = options.dir ?? usualDir;
    const settings = await Settings.open<Kept>(files, `${dir}/settings`, () => ({
      name: options.name(),
      acknowledged: 0,
    }));
    const names = (await files.list(dir)).filter((name) => /^\d{15}\.log$/.test(name)).sort();
    const all: Part[] = [];
    for (const name of names) all.push(await readPart(files, dir, name));
    checkGaps(all);
    return new Spool(files, options, settings, all);
  }

  get name(): string {
    return this.#settings.value.name;
  }

  get #next(): number {
    const last = this.#parts.at(-1);
    return last ? last.first + last.records.length : this.#settings.value.acknowledged + 1;
  }

  get #bytes(): number {
    return this.#parts.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  status(): SpoolStatus {
    const { name, acknowledged } = this.#settings.value;
    const records = this.#parts.reduce((sum, part) => sum + part.records.length, 0);
    const waiting = this.#next - 1 - acknowledged;
    return {
      name,
      records,
      waiting,
      bytes: this.#bytes,
      most: this.#options.most,
      acknowledged,
      next: this.#next,
    };
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const done = this.#last.then(act, act);
    this.#last = done.catch(() => undefined);
    return done;
  }

  /** Appends one record; its number comes when it is durable. Throws `spool.full`. */
  append(kind: number, payload: Uint8Array): Promise<number> {
    return this.#inTurn(() => this.#append(kind, Buffer.from(payload)));
  }

  async #append(kind: number, payload: Buffer): Promise<number> {
    if (this.#broken) await this.#mend(this.#broken);
    const record: SpoolRecord = { kind, seq: this.#next, time: this.#options.now(), payload };
    const bytes = printRecord(record);
    const part = await this.#room(bytes.length);
    try {
      this.#file ??= await this.#files.open(part.file);
      await this.#file.append([bytes]);
      await this.#file.sync();
    } catch (error) {
      this.#broken = part;
      throw error;
    }
    part.records.push(record);
    part.bytes += bytes.length;
    return record.seq;
  }

  // Nobody was told that what failed is kept: it is cut off, and written records go on behind what was synced before it.
  async #mend({ file, bytes }: Part): Promise<void> {
    try {
      await this.#file?.close().catch(() => undefined);
      this.#file = undefined;
      if ((await this.#files.size(file)) !== undefined) await this.#files.truncate(file, bytes);
    } catch (cause) {
      throw fault.broken(undefined, { cause });
    }
    this.#broken = undefined;
  }

  /** The file that has room for so many bytes. */
  async #room(bytes: number): Promise<Part> {
    const each = Math.floor(this.#options.most / parts);
    if (bytes > each) throw fault.long(`${bytes} of ${each} bytes`);
    await this.#reclaim(bytes);
    const last = this.#parts.at(-1);
    if (last && last.bytes + bytes <= each) return last;
    await this.#file?.close();
    this.#file = undefined;
    const first = this.#next;
    const made: Part = { file: fileOf(this.#options.dir ?? usualDir, first), first, bytes: 0, records: [] };
    this.#parts.push(made);
    return made;
  }

  // The newest file stays: its name tells the number that comes next.
  async #reclaim(bytes: number): Promise<void> {
    while (this.#bytes + bytes > this.#options.most) {
      const [oldest, another] = this.#parts;
      if (!oldest || !another || another.first - 1 > this.#settings.value.acknowledged) throw fault.full();
      await this.#files.remove(oldest.file);
      this.#parts.shift();
    }
  }

  /** Records that nobody acknowledged, in order, as many as fit. */
  read(most = 64): readonly SpoolRecord[] {
    const { acknowledged } = this.#settings.value;
    const found: SpoolRecord[] = [];
    for (const { records } of this.#parts)
      for (const record of records) {
        if (found.length >= most) return found;
        if (record.seq > acknowledged) found.push(record);
      }
    return found;
  }

  /** Everything up to a number is kept elsewhere now; resolves when that is durable. Throws `spool.ahead`. */
  acknowledge(seq: number): Promise<void> {
    return this.#inTurn(async () => {
      if (seq >= this.#next) throw fault.ahead(`${seq}`);
      const { value } = this.#settings;
      if (seq > value.acknowledged) await this.#settings.set({ ...value, acknowledged: seq });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#last;
    await this.#file?.close();
  }
}
