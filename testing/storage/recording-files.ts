import { type AppendFile, type Files, storeFault } from "@skep/kernel";
import { cutMoments, type PowerCut, powerCutsAt } from "./power-cuts.ts";
import { Disk, dirOf, type Image, type Step } from "./steps.ts";

/** Operations that can be made to fail or to wait. */
export type DiskOp = "append" | "sync" | "open" | "read" | "replace" | "truncate" | "remove";

/** An error that one operation to come gets. */
export interface DiskFailure {
  readonly op: DiskOp;
  readonly errno: "EIO" | "ENOSPC";
  /** How many such operations pass before; 0 unless told. */
  readonly after?: number;
  /** For `append`: bytes that are written before the error. */
  readonly bytes?: number;
}

/** An operation that stands still until it is released. */
export interface Held {
  /** Resolves when the operation has come. */
  readonly reached: Promise<void>;
  release(): void;
}

/** Files in memory that remember what was synced when, and complain when the contract is broken. */
export interface RecordingFiles extends Files {
  /** Steps so far; a fact noted with this number holds in every power cut at this moment or later. */
  readonly moment: number;
  readonly steps: readonly Step[];
  /** Breaches of the contract so far; each was thrown as well. */
  readonly complaints: readonly string[];
  /** How often each operation was asked for. */
  readonly counts: Readonly<Record<DiskOp, number>>;
  /** What is visible now. */
  image(): Image;
  /** What power cuts may leave, at one moment or at every moment that matters. */
  powerCuts(moment?: number): Generator<PowerCut>;
  /** The same disk as the next process finds it after a kill: nothing open, nothing more synced than before. */
  withoutProcess(): RecordingFiles;
  fail(failure: DiskFailure): void;
  /** Holds the next operation of this kind. */
  hold(op: DiskOp): Held;
  /** Bytes that still fit; undefined lifts the limit. */
  limitSpace(bytes: number | undefined): void;
}

interface Waiting {
  reached: () => void;
  released: Promise<void>;
}

class Recording implements RecordingFiles {
  readonly steps: Step[] = [];
  readonly complaints: string[] = [];
  readonly counts = { append: 0, sync: 0, open: 0, read: 0, replace: 0, truncate: 0, remove: 0 };
  readonly #disk = new Disk();
  readonly #seed: number;
  readonly #failures: { failure: DiskFailure; left: number }[] = [];
  readonly #held = new Map<DiskOp, Waiting>();
  readonly #appending = new Set<number>();
  readonly #replacing = new Map<string, Promise<void>>();
  #files = 0;
  #room: number | undefined;

  constructor(image: Image, seed: number) {
    this.#seed = seed;
    for (const [name, bytes] of image) {
      const file = this.#create(name);
      this.#step({ do: "write", file, at: 0, bytes: bytes.slice() });
      this.#step({ do: "synced", file, before: this.moment });
      this.#step({ do: "dirSynced", dir: dirOf(name), before: this.moment });
    }
  }

  get moment(): number {
    return this.steps.length;
  }

  image(): Image {
    return this.#disk.image();
  }

  *powerCuts(moment?: number): Generator<PowerCut> {
    for (const at of moment === undefined ? cutMoments(this.steps) : [moment])
      yield* powerCutsAt(this.steps, at, this.#seed);
  }

  withoutProcess(): RecordingFiles {
    const next = new Recording(new Map(), this.#seed);
    for (const step of this.steps) next.#step(step);
    next.#files = this.#files;
    return next;
  }

  fail(failure: DiskFailure): void {
    this.#failures.push({ failure, left: failure.after ?? 0 });
  }

  hold(op: DiskOp): Held {
    const reached = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    this.#held.set(op, { reached: reached.resolve, released: released.promise });
    return { reached: reached.promise, release: released.resolve };
  }

  limitSpace(bytes: number | undefined): void {
    this.#room = bytes;
  }

  complain(text: string): Error {
    this.complaints.push(text);
    return new Error(`contract of Files broken: ${text}`);
  }

  #step(step: Step): void {
    this.steps.push(step);
    this.#disk.apply(step);
  }

  #create(name: string): number {
    this.#files += 1;
    this.#step({ do: "create", name, file: this.#files });
    return this.#files;
  }

  /** Counts an operation, holds it where asked, and gives the failure that it is to have. */
  async begin(op: DiskOp): Promise<DiskFailure | undefined> {
    this.counts[op] += 1;
    const held = this.#held.get(op);
    this.#held.delete(op);
    held?.reached();
    await held?.released;
    const at = this.#failures.findIndex((one) => one.failure.op === op);
    const found = this.#failures[at];
    if (!found) return undefined;
    found.left -= 1;
    if (found.left >= 0) return undefined;
    this.#failures.splice(at, 1);
    return found.failure;
  }

  async #beginOrThrow(op: DiskOp, name: string): Promise<void> {
    check(name);
    const failure = await this.begin(op);
    if (failure) throw errorOf(failure, name);
  }

  /** Writes one part; of a part that does not fit, what fits. */
  put(file: number, name: string, bytes: Uint8Array): void {
    const fits = Math.min(bytes.length, this.#room ?? bytes.length);
    const at = this.#disk.content(file).length;
    if (fits > 0) this.#step({ do: "write", file, at, bytes: bytes.slice(0, fits) });
    if (this.#room !== undefined) this.#room -= fits;
    if (fits < bytes.length) throw storeFault.full(name);
  }

  synced(file: number, before: number, held = true): void {
    this.#step({ do: held ? "synced" : "syncFailed", file, before });
  }

  closed(file: number): void {
    this.#appending.delete(file);
  }

  async list(dir: string): Promise<string[]> {
    check(dir);
    const names = [...this.#disk.names.keys()].filter((name) => dirOf(name) === dir);
    return names
      .map((name) => name.slice(dir.length + 1))
      .filter((name) => !name.startsWith("."))
      .sort();
  }

  async size(name: string): Promise<number | undefined> {
    const file = this.#disk.names.get(name);
    return file === undefined ? undefined : this.#disk.content(file).length;
  }

  async read(name: string, offset: number, length: number): Promise<Uint8Array> {
    await this.#beginOrThrow("read", name);
    const file = this.#disk.names.get(name);
    if (file === undefined) throw storeFault.absent(name);
    return this.#disk.content(file).slice(offset, offset + length);
  }

  async open(name: string): Promise<AppendFile> {
    await this.#beginOrThrow("open", name);
    const file = this.#disk.names.get(name) ?? this.#create(name);
    if (this.#appending.has(file)) throw this.complain(`"${name}" is opened twice`);
    this.#appending.add(file);
    await this.#syncDir(dirOf(name));
    return new RecordingAppend(this, name, file);
  }

  async #syncDir(dir: string): Promise<void> {
    const before = this.moment;
    await Promise.resolve();
    this.#step({ do: "dirSynced", dir, before });
  }

  replace(name: string, bytes: Uint8Array): Promise<void> {
    const done = (this.#replacing.get(name) ?? Promise.resolve())
      .catch(() => undefined)
      .then(() => this.#replace(name, bytes));
    this.#replacing.set(name, done);
    return done;
  }

  async #replace(name: string, bytes: Uint8Array): Promise<void> {
    await this.#beginOrThrow("replace", name);
    this.#mustBeClosed(name, "replaced");
    const temporary = name.replace(/[^/]*$/, ".$&.new");
    const file = this.#create(temporary);
    try {
      this.put(file, name, bytes);
    } catch (error) {
      this.#step({ do: "remove", name: temporary });
      throw error;
    }
    await Promise.resolve();
    this.synced(file, this.moment);
    this.#step({ do: "rename", from: temporary, to: name });
    await this.#syncDir(dirOf(name));
  }

  async truncate(name: string, size: number): Promise<void> {
    await this.#beginOrThrow("truncate", name);
    const file = this.#mustBeClosed(name, "truncated");
    if (file === undefined) throw storeFault.absent(name);
    this.#step({ do: "cut", file, size });
    await Promise.resolve();
    this.synced(file, this.moment);
  }

  async remove(name: string): Promise<void> {
    await this.#beginOrThrow("remove", name);
    if (this.#mustBeClosed(name, "removed") === undefined) throw storeFault.absent(name);
    this.#step({ do: "remove", name });
    await this.#syncDir(dirOf(name));
  }

  #mustBeClosed(name: string, act: string): number | undefined {
    const file = this.#disk.names.get(name);
    if (file !== undefined && this.#appending.has(file))
      throw this.complain(`"${name}" is ${act} while it is open for appending`);
    return file;
  }

  async space(): Promise<{ readonly free: number; readonly total: number }> {
    const total = 2 ** 30;
    return { free: Math.min(this.#room ?? total, total), total };
  }
}

function check(name: string): void {
  if (name.split("/").some((part) => part === "" || part === "." || part === ".."))
    throw storeFault.name(name);
}

function errorOf(failure: DiskFailure, name: string): Error {
  return failure.errno === "ENOSPC" ? storeFault.full(name) : storeFault.io(name);
}

// A disk takes an append sector by sector and in any order; here a sector is small, so that small tests meet it.
function* pieces(parts: readonly Uint8Array[]): Generator<Uint8Array> {
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  const sector = Math.max(32, Math.ceil(size / 10));
  for (const part of parts)
    for (let at = 0; at < part.length; at += sector) yield part.subarray(at, at + sector);
}

/** One step for each piece, so that a power cut can keep any of them. */
class RecordingAppend implements AppendFile {
  readonly #files: Recording;
  readonly #name: string;
  readonly #file: number;
  #state: "open" | "busy" | "broken" | "closed" = "open";

  constructor(files: Recording, name: string, file: number) {
    this.#files = files;
    this.#name = name;
    this.#file = file;
  }

  #enter(act: string): void {
    if (this.#state === "open") {
      this.#state = "busy";
      return;
    }
    const why = { busy: "during another append or sync", broken: "after a failure", closed: "after close" };
    throw this.#files.complain(`${act} of "${this.#name}" ${why[this.#state]}`);
  }

  async #run(act: string, run: () => Promise<void>): Promise<void> {
    this.#enter(act);
    try {
      await run();
      this.#state = "open";
    } catch (error) {
      this.#state = "broken";
      throw error;
    }
  }

  append(parts: readonly Uint8Array[]): Promise<void> {
    return this.#run("append", async () => {
      const failure = await this.#files.begin("append");
      let left = failure ? (failure.bytes ?? 0) : Number.POSITIVE_INFINITY;
      for (const part of pieces(parts)) {
        const fits = part.subarray(0, Math.min(left, part.length));
        this.#files.put(this.#file, this.#name, fits);
        left -= fits.length;
      }
      if (failure) throw errorOf(failure, this.#name);
    });
  }

  sync(): Promise<void> {
    return this.#run("sync", async () => {
      const before = this.#files.moment;
      const failure = await this.#files.begin("sync");
      this.#files.synced(this.#file, before, failure === undefined);
      if (failure) throw errorOf(failure, this.#name);
    });
  }

  async close(): Promise<void> {
    if (this.#state === "busy")
      throw this.#files.complain(`close of "${this.#name}" during an append or sync`);
    this.#state = "closed";
    this.#files.closed(this.#file);
  }
}

/** Files in memory, from an image or empty; the seed picks the sample where there are too many power cuts. */
export function recordingFiles(image: Image = new Map(), seed = 1): RecordingFiles {
  return new Recording(image, seed);
}
