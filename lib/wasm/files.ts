import { errno, type Guest, Refusal } from "./guest.ts";
import type { CheckpointFile } from "./job.ts";
import { MemoryFile } from "./memory-file.ts";
import type { Meter } from "./meter.ts";
import { type Place, placeOf } from "./path.ts";
import { type Vector, vectors } from "./vectors.ts";

/** Rights of WASI that count here. */
export const right = {
  datasync: 1n << 0n,
  read: 1n << 1n,
  seek: 1n << 2n,
  sync: 1n << 4n,
  tell: 1n << 5n,
  write: 1n << 6n,
  allocate: 1n << 8n,
  setSize: 1n << 22n,
} as const;
const bits = (...numbers: readonly number[]): bigint =>
  numbers.reduce((all, bit) => all | (1n << BigInt(bit)), 0n);
/** What a descriptor of a file can have: the above, flags, advice, status and poll. */
const fileRights = bits(0, 1, 2, 3, 4, 5, 6, 7, 8, 21, 22, 27);
/** Of a directory: making files, opening, listing, renaming, status and removal. */
const directoryRights = bits(10, 13, 14, 16, 17, 18, 19, 21, 26);
const create = 1;
const directory = 2;
const exclusive = 4;
const truncate = 8;
const append = 1;
/** `dsync`, `rsync` and `sync`. */
const synchronous = 2 | 16;

/** Names at once, and descriptors. */
const mostNames = 4;
const mostOpen = 16;
const firstFd = 3;
/** Largest place in a file that a number can be. */
const farthest = BigInt(Number.MAX_SAFE_INTEGER);

/** An open file or the open directory. */
export interface Open {
  /** Undefined of the directory. */
  readonly file: MemoryFile | undefined;
  rights: bigint;
  flags: number;
  at: number;
}

/** Whether a descriptor may do this, else ENOTCAPABLE. */
function may(open: Open, needs: bigint): void {
  if ((open.rights & needs) !== needs) throw new Refusal(errno.notcapable);
}

/** The directory of a job that keeps a checkpoint, in memory: at most four files, one of which counts. */
export class Files {
  readonly #guest: Guest;
  readonly #meter: Meter;
  readonly #of: CheckpointFile;
  readonly #names = new Map<string, MemoryFile>();
  readonly #open = new Map<number, Open>();
  #bytes = 0;
  #made = 1n;

  constructor(guest: Guest, meter: Meter, of: CheckpointFile) {
    this.#guest = guest;
    this.#meter = meter;
    this.#of = of;
    this.#open.set(firstFd, { file: undefined, rights: directoryRights, flags: 0, at: 0 });
    if (of.content) {
      this.#names.set(of.name, new MemoryFile(++this.#made, of.content));
      this.#bytes = of.content.length;
    }
  }

  /** Whether a descriptor is one of these. */
  has(fd: number): boolean {
    return this.#open.has(fd);
  }

  /** What is open there, or EBADF. */
  get(fd: number): Open {
    const open = this.#open.get(fd);
    if (!open) throw new Refusal(errno.badf);
    return open;
  }

  /** A file that may do this; EISDIR of the directory. */
  file(fd: number, needs: bigint): Open & { readonly file: MemoryFile } {
    const open = this.get(fd);
    if (!open.file) throw new Refusal(errno.isdir);
    may(open, needs);
    return open as Open & { readonly file: MemoryFile };
  }

  /** Name of the directory that was open from the start; EBADF of any other descriptor. */
  preopened(fd: number): Uint8Array {
    if (fd !== firstFd || this.get(fd).file) throw new Refusal(errno.badf);
    return new TextEncoder().encode(this.#of.directory);
  }

  /** Where a path from an open directory leads. */
  place(fd: number, pointer: number, length: number): Place {
    if (this.get(fd).file) throw new Refusal(errno.notdir);
    const bytes = this.#guest.bytes(pointer, length >>> 0);
    this.#meter.spend(bytes.length);
    return placeOf(bytes.slice(), (name) => this.#names.has(name));
  }

  /** The file of a place; undefined for the directory. */
  at({ name, directory: slash }: Place): MemoryFile | undefined {
    if (name === "") return undefined;
    const file = this.#names.get(name);
    if (!file) throw new Refusal(errno.noent);
    if (slash) throw new Refusal(errno.notdir);
    return file;
  }

  /** Names with what they name, in the order of their making. */
  get entries(): readonly (readonly [name: string, file: MemoryFile])[] {
    return [...this.#names];
  }

  #descriptor(open: Open): number {
    if (this.#open.size >= mostOpen) throw new Refusal(errno.mfile);
    let fd = firstFd;
    while (this.#open.has(fd)) fd++;
    this.#open.set(fd, open);
    if (open.file) open.file.opened++;
    return fd;
  }

  #openDirectory(how: number, rights: bigint): number {
    if ((how & create) !== 0 && (how & exclusive) !== 0) throw new Refusal(errno.exist);
    if ((how & (create | truncate)) !== 0 || (rights & right.write) !== 0n) throw new Refusal(errno.isdir);
    return this.#descriptor({ file: undefined, rights: rights & directoryRights, flags: 0, at: 0 });
  }

  #found(place: Place, how: number): MemoryFile {
    const found = this.#names.get(place.name);
    if (!found) return this.#make(place, how);
    if ((how & create) !== 0 && (how & exclusive) !== 0) throw new Refusal(errno.exist);
    if (place.directory || (how & directory) !== 0) throw new Refusal(errno.notdir);
    return found;
  }

  #make({ name, directory: slash }: Place, how: number): MemoryFile {
    if ((how & create) === 0) throw new Refusal(errno.noent);
    if (slash || (how & directory) !== 0) throw new Refusal(errno.inval);
    if (this.#names.size >= mostNames) throw new Refusal(errno.nospc);
    const file = new MemoryFile(++this.#made);
    this.#names.set(name, file);
    return file;
  }

  /** Opens what a place names, as `path_open` says. */
  open(place: Place, how: number, rights: bigint, flags: number): number {
    if (how > 15 || flags > 31) throw new Refusal(errno.inval);
    if (this.#open.size >= mostOpen) throw new Refusal(errno.mfile);
    if (place.name === "") return this.#openDirectory(how, rights);
    const file = this.#found(place, how);
    const fd = this.#descriptor({ file, rights: rights & fileRights, flags, at: 0 });
    if ((how & truncate) !== 0) this.resize(file, 0);
    return fd;
  }

  close(fd: number): void {
    const { file } = this.get(fd);
    this.#open.delete(fd);
    if (!file) return;
    this.commit(file);
    file.opened--;
    this.#free(file);
  }

  #free(file: MemoryFile): void {
    if (!file.linked && file.opened === 0) this.#bytes -= file.size;
  }

  #unname(name: string): void {
    const file = this.#names.get(name);
    if (!file) return;
    this.#names.delete(name);
    file.linked = false;
    this.#free(file);
  }

  /** Takes a name away; who has the file open keeps it. */
  remove(place: Place): void {
    if (!this.at(place)) throw new Refusal(errno.isdir);
    this.#unname(place.name);
  }

  /** Gives a file another name; what had that is gone, and the file that counts is complete with it. */
  rename(from: Place, to: Place): void {
    const file = this.at(from);
    if (!file || to.name === "") throw new Refusal(errno.inval);
    if (to.directory) throw new Refusal(errno.notdir);
    if (this.#names.get(to.name) === file) return;
    this.#unname(to.name);
    this.#names.delete(from.name);
    this.#names.set(to.name, file);
    if (to.name === this.#of.name) this.#of.onCommit(file.snapshot());
  }

  /** Passes the file that counts on where it changed. */
  commit(file: MemoryFile): void {
    if (file.dirty && this.#names.get(this.#of.name) === file) this.#of.onCommit(file.snapshot());
  }

  /** Makes a file longer or shorter: EFBIG beyond the limit of one, ENOSPC beyond that of all. */
  resize(file: MemoryFile, size: number): void {
    this.#reserve(file, size);
    if (size > file.size) this.#meter.spend((file.costOf(size) + size - file.size) >> 2);
    this.#bytes += size - file.size;
    file.resize(size);
  }

  #reserve(file: MemoryFile, size: number): void {
    if (size > this.#of.limit) throw new Refusal(errno.fbig);
    if (this.#bytes + Math.max(0, size - file.size) > 2 * this.#of.limit) throw new Refusal(errno.nospc);
  }

  /** A place that the module names as 64 bits. */
  offset(value: bigint): number {
    const offset = BigInt.asUintN(64, value);
    if (offset > farthest) throw new Refusal(errno.inval);
    return Number(offset);
  }

  /** Moves where the next read or write is; gives the new place. */
  seek(open: Open & { readonly file: MemoryFile }, by: bigint, from: number): number {
    if (from >>> 0 > 2) throw new Refusal(errno.inval);
    const base = from === 0 ? 0 : from === 1 ? open.at : open.file.size;
    const to = BigInt(base) + BigInt.asIntN(64, by);
    if (to < 0n || to > farthest) throw new Refusal(errno.inval);
    open.at = Number(to);
    return open.at;
  }

  /** Fills buffers from a place on; gives the bytes read. */
  read(file: MemoryFile, at: number, list: number, count: number): number {
    let total = 0;
    for (const { pointer, length } of vectors(this.#guest, this.#meter, list, count)) {
      const bytes = file.read(at + total, length);
      this.#meter.spend(bytes.length >> 2);
      this.#guest.bytes(pointer, length).set(bytes);
      total += bytes.length;
      if (bytes.length < length) break;
    }
    return total;
  }

  /** Writes buffers at a place, as much as there is room for; where there is none for a first byte, EFBIG or ENOSPC. */
  write(open: Open & { readonly file: MemoryFile }, at: number, list: number, count: number): number {
    const { file, flags } = open;
    const start = (flags & append) === 0 ? at : file.size;
    let total = 0;
    for (const vector of vectors(this.#guest, this.#meter, list, count)) {
      const written = this.#put(file, start + total, vector, total);
      total += written;
      if (written < vector.length) break;
    }
    if ((flags & synchronous) !== 0) this.commit(file);
    return total;
  }

  #put(file: MemoryFile, at: number, { pointer, length }: Vector, before: number): number {
    if (length === 0) return 0;
    const room = Math.min(this.#of.limit, file.size + 2 * this.#of.limit - this.#bytes) - at;
    const size = Math.min(length, room);
    if (size <= 0 && before > 0) return 0;
    if (size <= 0) throw new Refusal(at >= this.#of.limit ? errno.fbig : errno.nospc);
    const end = Math.max(at + size, file.size);
    const gap = Math.max(0, at - file.size);
    this.#meter.spend((size + gap + file.costOf(end)) >> 2);
    this.#bytes += end - file.size;
    file.write(at, this.#guest.bytes(pointer, size));
    return size;
  }
}
