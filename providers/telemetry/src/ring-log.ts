import { crc32 } from "node:zlib";
import type { AppendFile, Files } from "@skep/kernel";
import { fault } from "./records.ts";

/** A piece of a ring as it lies in the log; without bytes and at -1 the ring is gone. */
export interface Piece {
  readonly id: string;
  /** Absolute offset of its first byte. */
  readonly at: number;
  readonly bytes: Buffer;
}

/** Frames that go to the disk together. */
interface Group {
  readonly frames: Buffer[];
  readonly done: ((() => void) | undefined)[];
  readonly flushed: Promise<void>;
}

const dir = "rings";
const headSize = 18;
const gone = -1;
/** The log is written anew when it has grown by as much as this beyond what it began with. */
const growth = 8 * 1024 * 1024;

function framed({ id, at, bytes }: Piece): Buffer {
  const name = Buffer.from(id);
  const frame = Buffer.alloc(headSize + name.length + bytes.length);
  frame.writeUInt32LE(frame.length, 0);
  frame.writeBigInt64LE(BigInt(at), 8);
  frame.writeUInt16LE(name.length, 16);
  name.copy(frame, headSize);
  bytes.copy(frame, headSize + name.length);
  frame.writeUInt32LE(crc32(frame.subarray(8)), 4);
  return frame;
}

function pieceAt(bytes: Buffer, at: number): { readonly piece: Piece; readonly end: number } | undefined {
  if (at + headSize > bytes.length) return undefined;
  const end = at + bytes.readUInt32LE(at);
  if (end < at + headSize || end > bytes.length) return undefined;
  const frame = bytes.subarray(at, end);
  if (crc32(frame.subarray(8)) !== frame.readUInt32LE(4)) return undefined;
  const named = headSize + frame.readUInt16LE(16);
  const piece = {
    id: frame.toString("utf8", headSize, named),
    at: Number(frame.readBigInt64LE(8)),
    bytes: frame.subarray(named),
  };
  return { piece, end };
}

/**
 * What keeps rings over a restart: one file for all of them, so that many workers share one fdatasync. When it has grown
 * it is written anew, as a whole, under the next number; the highest number is the one that counts.
 */
export class RingLog {
  readonly #files: Files;
  /** All pieces as they are now, for a new log. */
  readonly #now: () => Iterable<Piece>;
  #number = 0;
  #begun = 0;
  #size = 0;
  #file: AppendFile | undefined;
  /** What comes while the group before is on its way to the disk. */
  #gathering: Group | undefined;
  #flushing: Promise<void> = Promise.resolve();
  #broken = false;

  constructor(files: Files, now: () => Iterable<Piece>) {
    this.#files = files;
    this.#now = now;
  }

  get #name(): string {
    return `${dir}/log-${String(this.#number).padStart(8, "0")}`;
  }

  /** The pieces that were durable, oldest first; what a power cut left of an unfinished one is cut off. */
  async load(): Promise<readonly Piece[]> {
    const names = (await this.#files.list(dir)).filter((name) => /^log-\d{8}$/.test(name));
    const newest = names.at(-1);
    for (const old of names.slice(0, -1)) await this.#files.remove(`${dir}/${old}`);
    if (newest === undefined) return [];
    this.#number = Number(newest.slice("log-".length));
    const size = (await this.#files.size(this.#name)) ?? 0;
    const bytes = Buffer.from(await this.#files.read(this.#name, 0, size));
    const pieces: Piece[] = [];
    let end = 0;
    for (let found = pieceAt(bytes, 0); found; found = pieceAt(bytes, end)) {
      pieces.push(found.piece);
      end = found.end;
    }
    if (end < size) await this.#files.truncate(this.#name, end);
    this.#size = end;
    return pieces;
  }

  /** Takes a piece; `done` is called when it is durable, in the order in which they came. */
  add(piece: Piece, done: () => void): Promise<void> {
    return this.#queue(framed(piece), done);
  }

  /** The ring is gone, and will be after a restart. */
  drop(id: string): Promise<void> {
    return this.#queue(framed({ id, at: gone, bytes: Buffer.alloc(0) }), undefined);
  }

  // All of a group share one promise: thousands wait for one fdatasync, and nobody looks for himself among them.
  #queue(frame: Buffer, done: (() => void) | undefined): Promise<void> {
    this.#gathering ??= this.#begin();
    const group = this.#gathering;
    group.frames.push(frame);
    group.done.push(done);
    return group.flushed;
  }

  #begin(): Group {
    const frames: Buffer[] = [];
    const done: Group["done"] = [];
    const flushed = this.#flushing.then(() => {
      this.#gathering = undefined;
      return this.#flush(frames, done);
    });
    this.#flushing = flushed.catch(() => undefined);
    return { frames, done, flushed };
  }

  async #flush(frames: readonly Buffer[], done: Group["done"]): Promise<void> {
    if (this.#broken) throw fault.broken(this.#name);
    try {
      this.#file ??= await this.#files.open(this.#name);
      await this.#file.append(frames);
      await this.#file.sync();
      for (const { length } of frames) this.#size += length;
      for (const act of done) act?.();
      if (this.#size > this.#begun + growth) await this.#anew();
    } catch (error) {
      // Whether it is on the disk nobody knows: nothing more goes into this file.
      this.#broken = true;
      throw error;
    }
  }

  async #anew(): Promise<void> {
    const bytes = Buffer.concat([...this.#now()].map(framed));
    const old = this.#name;
    await this.#file?.close();
    this.#file = undefined;
    this.#number += 1;
    await this.#files.replace(this.#name, bytes);
    await this.#files.remove(old);
    this.#begun = bytes.length;
    this.#size = bytes.length;
  }

  /** Lets the file go once all that was added is durable. */
  async close(): Promise<void> {
    await this.#flushing;
    await this.#file?.close();
    this.#file = undefined;
  }

  /** Whether a piece says that its ring is gone. */
  static isGone({ at }: Piece): boolean {
    return at === gone;
  }
}
