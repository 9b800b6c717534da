import { crc32 } from "node:zlib";
import type { AppendFile, Files, StreamSource } from "@skep/kernel";
import { fault, type Parsed, recordAt } from "./records.ts";
import type { Segment } from "./state.ts";

const frameHead = 8;

/** A record as it lies in the file: length and CRC-32 before its bytes. */
function framed(bytes: Buffer): Buffer[] {
  const head = Buffer.alloc(frameHead);
  head.writeUInt32LE(bytes.length, 0);
  head.writeUInt32LE(crc32(bytes), 4);
  return [head, bytes];
}

/** The whole records of a file's bytes, and where the first that is none begins. */
export function scanFrames(bytes: Buffer): { readonly records: Buffer[]; readonly end: number } {
  const records: Buffer[] = [];
  let at = 0;
  while (at + frameHead <= bytes.length) {
    const length = bytes.readUInt32LE(at);
    const record = bytes.subarray(at + frameHead, at + frameHead + length);
    if (length === 0 || record.length < length || crc32(record) !== bytes.readUInt32LE(at + 4)) break;
    records.push(record);
    at += frameHead + length;
  }
  return { records, end: at };
}

/** Largest record that is read back, bytes: far above any limit of what comes in. */
const readMost = 1024 * 1024;

/** A segment whose bytes are in memory, and on disk before they are acknowledged. */
export class SegmentFile implements StreamSource {
  readonly base = 0;
  readonly name: string;
  readonly #files: Files;
  readonly #mime: Segment["mime"];
  #bytes = Buffer.alloc(1024);
  #size = 0;
  #durable = 0;
  #records = 0;
  /** The newest number of each source here. */
  readonly sources = new Map<string, number>();
  #file: AppendFile | undefined;
  #waits: Buffer[] = [];
  #flushing: Promise<void> | undefined;
  #broken = false;
  #closed = false;
  readonly #followers = new Set<() => void>();

  constructor(files: Files, name: string, mime: Segment["mime"]) {
    this.#files = files;
    this.name = name;
    this.#mime = mime;
  }

  /** Reads what the file has; what a power cut left of an unfinished record is cut off where `repair` says so. */
  async load(repair: boolean): Promise<this> {
    const size = (await this.#files.size(this.name)) ?? 0;
    if (size === 0) return this;
    const { records, end } = scanFrames(Buffer.from(await this.#files.read(this.name, 0, size)));
    if (repair && end < size) await this.#files.truncate(this.name, end);
    for (const record of records) {
      const { source, seq } = recordAt(record, 0, this.#mime, readMost);
      this.#keep(record);
      if (source !== undefined) this.#number(source, seq);
    }
    this.#durable = this.#size;
    return this;
  }

  #keep(record: Buffer): void {
    while (this.#size + record.length > this.#bytes.length) {
      const more = Buffer.alloc(this.#bytes.length * 2);
      this.#bytes.copy(more, 0, 0, this.#size);
      this.#bytes = more;
    }
    record.copy(this.#bytes, this.#size);
    this.#size += record.length;
    this.#records += 1;
  }

  #number(source: string, seq: number): void {
    this.sources.set(source, Math.max(seq, this.sources.get(source) ?? 0));
  }

  get size(): number {
    return this.#size;
  }

  get records(): number {
    return this.#records;
  }

  /** What is durable: nothing else is read. */
  get next(): number {
    return this.#durable;
  }

  get ended(): boolean {
    return this.#closed;
  }

  /** Takes a record; it is acknowledged once `flushed`. Throws where it no longer can. */
  push({ bytes, source, seq }: Parsed): void {
    if (this.#broken) throw fault.broken(this.name);
    if (this.#closed) throw fault.sealed(this.name);
    this.#keep(bytes);
    if (source !== undefined) this.#number(source, seq);
    this.#waits.push(...framed(bytes));
  }

  /** Resolves when all that was pushed is durable; many pushes share one fdatasync. */
  async flushed(): Promise<void> {
    if (this.#broken) throw fault.broken(this.name);
    while (this.#waits.length > 0 || this.#flushing) {
      if (this.#broken) throw fault.broken(this.name);
      this.#flushing ??= this.#flush().finally(() => {
        this.#flushing = undefined;
      });
      await this.#flushing;
    }
  }

  async #flush(): Promise<void> {
    const parts = this.#waits;
    const upTo = this.#size;
    this.#waits = [];
    try {
      this.#file ??= await this.#files.open(this.name);
      await this.#file.append(parts);
      await this.#file.sync();
    } catch (error) {
      // Whether it is on the disk nobody knows: nothing more goes into this file.
      this.#broken = true;
      this.#forget();
      throw error;
    }
    this.#durable = upTo;
    this.#wake();
  }

  // What is not durable counts for nothing: when it comes again it is new.
  #forget(): void {
    const kept = this.#bytes.subarray(0, this.#durable);
    this.sources.clear();
    this.#waits = [];
    this.#size = this.#durable;
    this.#records = 0;
    for (let at = 0; at < kept.length; this.#records += 1) {
      const { source, seq, taken } = recordAt(kept, at, this.#mime, readMost);
      if (source !== undefined) this.#number(source, seq);
      at += taken;
    }
  }

  #wake(): void {
    const followers = [...this.#followers];
    this.#followers.clear();
    for (const act of followers) act();
  }

  /** Takes no more; what was pushed before becomes durable first, where that is possible. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.flushed().catch(() => undefined);
    await this.#file?.close();
    this.#file = undefined;
    this.#wake();
  }

  read(offset: number, count: number): Uint8Array {
    const end = Math.min(this.#durable, offset + count);
    return Uint8Array.prototype.slice.call(this.#bytes.subarray(Math.min(offset, end), end));
  }

  wait(act: () => void): { stop(): void } {
    this.#followers.add(act);
    return { stop: () => this.#followers.delete(act) };
  }
}
