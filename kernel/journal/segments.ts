import { crc32 } from "node:zlib";
import { Fault, faults } from "@skep/fault";
import { limits } from "../limits.ts";
import type { AppendFile, Files } from "../store/files.ts";
import { decodeHeader, encodeFrameHead, encodeHeader, frameHead, headerSize, scanFrames } from "./frame.ts";

const fault = faults("journal", {
  damaged: [
    "corrupt",
    "Cannot start: a segment of the journal is damaged",
    { cure: "Restore the segment from a backup with `skep restore`, or see `skep fsck --json`" },
  ],
  gap: [
    "corrupt",
    "Cannot start: a segment of the journal is missing",
    { cure: "Put the missing file back or restore a backup with `skep restore`" },
  ],
  beyond: ["absent", "Cannot read a record beyond the end of the journal"],
});

/** Bytes after which a segment is sealed and the next begins. */
export const segmentSize = 64 * 1024 * 1024;

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
const endName = "journal/end";
const indexName = (name: string): string => name.replace(/\.seg$/, ".idx");

/** The append-only segments of a journal. One writer; `append` calls never overlap. */
export class Segments {
  readonly #files: Files;
  readonly #segments: Segment[] = [];
  #file: AppendFile | undefined;
  #crc = 0;

  constructor(files: Files) {
    this.#files = files;
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

  /** Reads and checks every segment, cuts a torn tail of the last one. Throws `journal.damaged` or `.gap`. */
  async open(repair = true): Promise<Opened> {
    const names = (await this.#files.list("journal"))
      .filter((name) => name.endsWith(".seg"))
      .map((name) => `journal/${name}`);
    let cut = 0;
    for (const [at, name] of names.entries()) cut += await this.#load(name, at === names.length - 1, repair);
    return { records: this.records, cut };
  }

  async #load(name: string, last: boolean, repair: boolean): Promise<number> {
    const size = (await this.#files.size(name)) ?? 0;
    const bytes = await this.#files.read(name, 0, size);
    const first = decodeHeader(bytes);
    if (first === undefined) {
      if (last && scanFrames(bytes, headerSize, limits.record).offsets.length === 0)
        return this.#dropStump(name, size, repair);
      throw fault.damaged(name);
    }
    if (first !== this.records) throw fault.gap(nameOf(this.records));
    const index = last ? undefined : await this.#readIndex(name, size, crc32(bytes));
    if (index) {
      this.#segments.push({ name, first, offsets: index, count: index.length, size, sealed: true });
      return 0;
    }
    const scan = scanFrames(bytes, headerSize, limits.record);
    if (scan.damaged || (scan.rest && !last)) throw fault.damaged(`${name} at byte ${scan.end}`);
    if (scan.end < (await this.#cleanEnd(name))) throw fault.damaged(`${name} at byte ${scan.end}`);
    if (scan.rest && repair) await this.#files.truncate(name, scan.end);
    const offsets = Uint32Array.from(scan.offsets);
    this.#segments.push({ name, first, offsets, count: offsets.length, size: scan.end, sealed: !last });
    if (last) this.#crc = crc32(bytes.subarray(0, scan.end));
    else await this.#writeIndex(name, offsets, crc32(bytes));
    return size - scan.end;
  }

  // A clean stop notes how far the last segment reached, so that damage there is no torn tail.
  async #cleanEnd(name: string): Promise<number> {
    const size = await this.#files.size(endName);
    if (size === undefined) return 0;
    const [noted, end] = Buffer.from(await this.#files.read(endName, 0, size))
      .toString()
      .split(" ");
    return noted === name ? Number(end) : 0;
  }

  async #dropStump(name: string, size: number, repair: boolean): Promise<number> {
    if (repair) await this.#files.remove(name);
    return size;
  }

  async #readIndex(name: string, size: number, crc: number): Promise<Uint32Array | undefined> {
    const length = await this.#files.size(indexName(name));
    if (length === undefined || length < 16) return undefined;
    const bytes = Buffer.from(await this.#files.read(indexName(name), 0, length));
    const body = bytes.subarray(0, length - 4);
    if (bytes.readUInt32BE(length - 4) !== crc32(body)) return undefined;
    if (bytes.readUInt32BE(0) !== size || bytes.readUInt32BE(4) !== crc) throw fault.damaged(name);
    const offsets = new Uint32Array((length - 12) / 4);
    for (let at = 0; at < offsets.length; at += 1) offsets[at] = body.readUInt32BE(8 + at * 4);
    return offsets;
  }

  async #writeIndex(name: string, offsets: Uint32Array, crc: number): Promise<void> {
    const size = (await this.#files.size(name)) ?? 0;
    const bytes = Buffer.alloc(12 + offsets.length * 4);
    bytes.writeUInt32BE(size, 0);
    bytes.writeUInt32BE(crc, 4);
    for (const [at, offset] of offsets.entries()) bytes.writeUInt32BE(offset, 8 + at * 4);
    bytes.writeUInt32BE(crc32(bytes.subarray(0, -4)), bytes.length - 4);
    await this.#files.replace(indexName(name), bytes);
  }

  /** Writes records and makes them durable; when this rejects, nothing may be written any more. */
  async append(records: readonly Uint8Array[]): Promise<void> {
    const segment = await this.#writable();
    const parts: Uint8Array[] = [];
    let { size } = segment;
    this.#room(segment, records.length);
    for (const [at, record] of records.entries()) {
      segment.offsets[segment.count + at] = size;
      const head = encodeFrameHead(record, at === 0);
      this.#crc = crc32(record, crc32(head, this.#crc));
      parts.push(head, record);
      size += frameHead + record.length;
    }
    const file = this.#file;
    if (!file) throw new Fault("internal", "journal.closed", "Cannot append to a closed journal");
    await file.append(parts);
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
    if (last && last.size < segmentSize) {
      if (!this.#file) {
        if ((await this.#files.size(endName)) !== undefined) await this.#files.remove(endName);
        this.#file = await this.#files.open(last.name);
      }
      return last;
    }
    if (last) await this.#seal(last);
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
    await this.#writeIndex(segment.name, segment.offsets, this.#crc);
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

  /** Notes the clean end; everything that was appended is durable by now. */
  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
    const last = this.#segments.at(-1);
    if (last) await this.#files.replace(endName, Buffer.from(`${last.name} ${last.size}`));
  }
}
