import { crc32 } from "node:zlib";
import { limits } from "../limits.ts";
import type { AppendFile, Files } from "../store/files.ts";
import { fault } from "./faults.ts";
import { decodeHeader, encodeGroup, encodeHeader, frameHead, headerSize, scanFrames } from "./frame.ts";
import { forgetEnd, type End, noteEnd, readEnd, restore, writeAgain } from "./tail.ts";

/** Bytes after which a segment is sealed and the next begins. */
export const segmentSize = 64 * 1024 * 1024;

/** Bytes that are read at a time where a segment is only summed. */
const piece = 4 * 1024 * 1024;

interface Segment {
  readonly name: string;
  readonly first: number;
  offsets: Uint32Array;
  count: number;
  size: number;
  sealed: boolean;
}

/** What opening found and did. */
export interface Opened {
  readonly records: number;
  /** Bytes of a torn tail that were cut off, 0 when none. */
  readonly cut: number;
}

const nameOf = (first: number): string => `journal/${String(first).padStart(16, "0")}.seg`;
const indexName = (name: string): string => name.replace(/\.seg$/, ".idx");

const little = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

/**
 * Turns 32-bit numbers of this machine into network order, or back, in place. In one step: commits wait while the
 * offsets of a full segment are written down, and a loop that runs once is not compiled.
 */
const networkOrder = (bytes: Buffer): Buffer => (little ? bytes.swap32() : bytes);

/** The append-only segments of a journal. One writer; `append` calls never overlap. */
export class Segments {
  readonly #files: Files;
  readonly #segments: Segment[] = [];
  readonly #segmentSize: number;
  readonly #trust: boolean;
  readonly #below: number;
  #file: AppendFile | undefined;
  #crc = 0;
  #state: "open" | "broken" | "closed" = "open";

  /**
   * With `trust` sealed segments are taken for what their indexes say and not read to be checked, which whoever has the
   * journal open for writing did. The last one, which must be read whole, is left out where the sealed ones hold every
   * record below `below`.
   */
  constructor(
    files: Files,
    options: {
      readonly segmentSize?: number | undefined;
      readonly trust?: boolean;
      readonly below?: number | undefined;
    } = {},
  ) {
    this.#files = files;
    this.#trust = options.trust ?? false;
    this.#below = options.below ?? Number.POSITIVE_INFINITY;
    this.#segmentSize = options.segmentSize ?? segmentSize;
  }

  /** Records that are written; equals the next sequence. */
  get records(): number {
    const last = this.#segments.at(-1);
    return last ? last.first + last.count : 0;
  }

  get names(): readonly string[] {
    return this.#segments.map((segment) => segment.name);
  }

  get bytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.size, 0);
  }

  /**
   * Reads and checks every segment, cuts a torn tail of the last one and makes the rest of its last group durable.
   * Throws `journal.damaged` or `.gap`. Without `repair` nothing is written. With fewer than `least` records, which
   * others know to have been durable, it throws `.short` before anything is cut.
   */
  async open(repair = true, least = 0): Promise<Opened> {
    const listed = await this.#files.list("journal");
    const names = listed.filter((name) => name.endsWith(".seg")).map((name) => `journal/${name}`);
    const end = await readEnd(this.#files);
    if (end && end.name !== names.at(-1)) throw fault.gap(end.name);
    const last = names.pop();
    for (const name of names) await this.#loadSealed(name, repair);
    const enough = last === undefined || (this.#trust && this.records >= this.#below);
    const cut = enough ? 0 : await this.#loadLast(last, end, repair, least);
    if (this.records < least) throw fault.short(`${this.records} of at least ${least} records`);
    return { records: this.records, cut };
  }

  async #whole(name: string): Promise<Uint8Array> {
    return this.#files.read(name, 0, (await this.#files.size(name)) ?? 0);
  }

  #checkFirst(name: string, bytes: Uint8Array): number {
    const first = decodeHeader(bytes);
    if (first === undefined) throw fault.damaged(name);
    if (first !== this.records) throw fault.gap(nameOf(this.records));
    return first;
  }

  async #loadSealed(name: string, repair: boolean): Promise<void> {
    const size = (await this.#files.size(name)) ?? 0;
    const first = this.#checkFirst(name, await this.#files.read(name, 0, headerSize));
    const crc = this.#trust ? undefined : await this.#crcOf(name, size);
    let offsets = await this.#readIndex(name, size, crc);
    if (!offsets) {
      const scan = scanFrames(await this.#whole(name), headerSize, limits.record);
      if (scan.rest) throw fault.damaged(`${name} at byte ${scan.end}`);
      offsets = Uint32Array.from(scan.offsets);
      if (repair && crc !== undefined) await this.#writeIndex(name, offsets, size, crc);
    }
    this.#segments.push({ name, first, offsets, count: offsets.length, size, sealed: true });
  }

  // Reads one piece ahead, so that disk and sum go on together.
  async #crcOf(name: string, size: number): Promise<number> {
    let crc = 0;
    let ahead = this.#files.read(name, 0, piece);
    for (let at = 0; at < size; at += piece) {
      const bytes = await ahead;
      if (at + piece < size) ahead = this.#files.read(name, at + piece, piece);
      crc = crc32(bytes, crc);
    }
    await ahead;
    return crc;
  }

  async #loadLast(name: string, end: End | undefined, repair: boolean, least: number): Promise<number> {
    const bytes = await restore(this.#files, name, await this.#whole(name));
    // The header is synced before the first frame, so what is not longer was never more than a header.
    if (bytes.length <= headerSize && decodeHeader(bytes) === undefined && !end) {
      if (repair) await this.#files.remove(name);
      return bytes.length;
    }
    const first = this.#checkFirst(name, bytes);
    const scan = scanFrames(bytes, headerSize, limits.record);
    const clean = end === undefined || (end.at === bytes.length && end.crc === crc32(bytes));
    if (scan.damaged || !clean || (end && scan.rest)) throw fault.damaged(`${name} at byte ${scan.end}`);
    const offsets = Uint32Array.from(scan.offsets);
    this.#segments.push({ name, first, offsets, count: offsets.length, size: scan.end, sealed: false });
    // Only who goes on writing has to know the sum.
    if (repair) this.#crc = crc32(bytes.subarray(0, scan.end));
    const from = offsets.length > 0 ? scan.group : 0;
    if (repair && !end && this.records >= least)
      await writeAgain(this.#files, { name, at: from }, bytes.subarray(from, scan.end));
    return bytes.length - scan.end;
  }

  async #readIndex(name: string, size: number, crc: number | undefined): Promise<Uint32Array | undefined> {
    const length = await this.#files.size(indexName(name));
    if (length === undefined || length < 16) return undefined;
    const bytes = Buffer.from(await this.#files.read(indexName(name), 0, length));
    const body = bytes.subarray(0, length - 4);
    if (bytes.readUInt32BE(length - 4) !== crc32(body)) return undefined;
    const same = crc === undefined || bytes.readUInt32BE(4) === crc;
    if (bytes.readUInt32BE(0) !== size || !same) throw fault.damaged(name);
    const offsets = Uint8Array.from(body.subarray(8)).buffer;
    networkOrder(Buffer.from(offsets));
    return new Uint32Array(offsets);
  }

  async #writeIndex(name: string, offsets: Uint32Array, size: number, crc: number): Promise<void> {
    const bytes = Buffer.alloc(12 + offsets.length * 4);
    bytes.writeUInt32BE(size, 0);
    bytes.writeUInt32BE(crc, 4);
    bytes.set(networkOrder(Buffer.from(offsets.slice().buffer)), 8);
    bytes.writeUInt32BE(crc32(bytes.subarray(0, -4)), bytes.length - 4);
    await this.#files.replace(indexName(name), bytes);
  }

  /** Writes records and makes them durable; when this rejects, nothing is written any more. */
  async append(records: readonly Uint8Array[]): Promise<void> {
    if (this.#state === "broken") throw fault.stopped();
    if (this.#state === "closed") throw fault.closed();
    try {
      await this.#append(records);
    } catch (error) {
      this.#state = "broken";
      throw error;
    }
  }

  async #append(records: readonly Uint8Array[]): Promise<void> {
    const segment = await this.#writable();
    const file = this.#file;
    if (!file) throw fault.closed();
    let { size } = segment;
    this.#room(segment, records.length);
    for (const [at, record] of records.entries()) {
      segment.offsets[segment.count + at] = size;
      size += frameHead + record.length;
    }
    const bytes = encodeGroup(records);
    this.#crc = crc32(bytes, this.#crc);
    await file.append([bytes]);
    await file.sync();
    segment.count += records.length;
    segment.size = size;
  }

  #room(segment: Segment, more: number): void {
    if (segment.count + more <= segment.offsets.length) return;
    const grown = new Uint32Array(Math.max(1024, (segment.count + more) * 2));
    grown.set(segment.offsets.subarray(0, segment.count));
    segment.offsets = grown;
  }

  async #writable(): Promise<Segment> {
    const last = this.#segments.at(-1);
    if (last && !last.sealed && last.size < this.#segmentSize) {
      if (!this.#file) {
        await forgetEnd(this.#files);
        this.#file = await this.#files.open(last.name);
      }
      return last;
    }
    if (last && !last.sealed) await this.#seal(last);
    await forgetEnd(this.#files);
    const first = this.records;
    const header = encodeHeader(first);
    this.#file = await this.#files.open(nameOf(first));
    await this.#file.append([header]);
    await this.#file.sync();
    this.#crc = crc32(header);
    const made = {
      name: nameOf(first),
      first,
      offsets: new Uint32Array(1024),
      count: 0,
      size: headerSize,
      sealed: false,
    };
    this.#segments.push(made);
    return made;
  }

  async #seal(segment: Segment): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
    segment.sealed = true;
    segment.offsets = segment.offsets.slice(0, segment.count);
    await this.#writeIndex(segment.name, segment.offsets, segment.size, this.#crc);
  }

  #find(seq: number): Segment {
    let low = 0;
    let high = this.#segments.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#segments[middle]?.first ?? 0) <= seq) low = middle;
      else high = middle - 1;
    }
    const found = this.#segments[low];
    if (!found || seq < found.first || seq >= found.first + found.count) throw fault.beyond(seq);
    return found;
  }

  /** Records from a sequence on, at most `count` and about a megabyte, all of one segment. */
  async read(from: number, count: number): Promise<Uint8Array[]> {
    const segment = this.#find(from);
    const at = from - segment.first;
    const start = segment.offsets[at] ?? 0;
    let last = Math.min(at + count, segment.count);
    const ends = (index: number): number =>
      index < segment.count ? (segment.offsets[index] ?? 0) : segment.size;
    while (last > at + 1 && ends(last) - start > 1024 * 1024) last = at + Math.ceil((last - at) / 2);
    const bytes = await this.#files.read(segment.name, start, ends(last) - start);
    const records: Uint8Array[] = [];
    for (let index = at; index < last; index += 1)
      records.push(bytes.subarray(ends(index) - start + frameHead, ends(index + 1) - start));
    return records;
  }

  /** Notes the clean end, unless a write failed; everything that was appended is durable by now. */
  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
    const last = this.#segments.at(-1);
    if (last && this.#state === "open")
      await noteEnd(this.#files, { name: last.name, at: last.size, crc: this.#crc });
    this.#state = "closed";
  }
}
