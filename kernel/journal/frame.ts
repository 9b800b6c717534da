import { crc32 } from "node:zlib";

/** Segment header: magic, first sequence, CRC-32 of both. */
const magic = Buffer.from("SKEPJNL1");
/** Bytes before the first frame. */
export const headerSize = 20;
/** Bytes before each record: u32 length (top bit: first of its group), u32 CRC-32 of the record, big endian. */
export const frameHead = 8;
const groupStart = 0x8000_0000;

/** The header of a segment whose first record has this sequence. */
export function encodeHeader(first: number): Buffer {
  const bytes = Buffer.alloc(headerSize);
  magic.copy(bytes);
  bytes.writeBigUInt64BE(BigInt(first), 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(0, 16)), 16);
  return bytes;
}

/** The first sequence, or undefined when this is no whole header. */
export function decodeHeader(bytes: Uint8Array): number | undefined {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.length < headerSize || !view.subarray(0, 8).equals(magic)) return undefined;
  if (view.readUInt32BE(16) !== crc32(view.subarray(0, 16))) return undefined;
  return Number(view.readBigUInt64BE(8));
}

/** The frames of a group in one piece. */
export function encodeGroup(records: readonly Uint8Array[]): Buffer {
  let size = 0;
  for (const record of records) size += frameHead + record.length;
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  for (const record of records) {
    bytes.writeUInt32BE(at === 0 ? record.length + groupStart : record.length, at);
    bytes.writeUInt32BE(crc32(record), at + 4);
    bytes.set(record, at + frameHead);
    at += frameHead + record.length;
  }
  return bytes;
}

/** What a scan of frames found: how far they are whole, and whether more bytes follow that are none. */
export interface Scan {
  readonly offsets: readonly number[];
  /** Start of the last group; where the scan began when there is none. */
  readonly group: number;
  /** End of the last whole frame. */
  readonly end: number;
  /** True when bytes follow `end`. */
  readonly rest: boolean;
  /**
   * True when a later group follows `end`: a group is written only after the one before was synced, so what is
   * broken here had been durable. Within the last group a hole is a torn write that nobody was told of.
   */
  readonly damaged: boolean;
}

function wholeAt(bytes: Buffer, at: number, largest: number): number | undefined {
  if (at + frameHead > bytes.length) return undefined;
  const length = bytes.readUInt32BE(at) & ~groupStart;
  const end = at + frameHead + length;
  if (length === 0 || length > largest || end > bytes.length) return undefined;
  return bytes.readUInt32BE(at + 4) === crc32(bytes.subarray(at + frameHead, end)) ? end : undefined;
}

// A record begins with `{`, so only such places can be frames.
function laterGroup(bytes: Buffer, from: number, largest: number): boolean {
  for (let at = bytes.indexOf(0x7b, from + frameHead + 1); at >= 0; at = bytes.indexOf(0x7b, at + 1)) {
    const head = at - frameHead;
    if (bytes.readUInt32BE(head) >= groupStart && wholeAt(bytes, head, largest) !== undefined) return true;
  }
  return false;
}

/** Walks the frames of a segment; `largest` is the record limit. */
export function scanFrames(bytes: Uint8Array, from: number, largest: number): Scan {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const offsets: number[] = [];
  let at = from;
  let group = from;
  for (let end = wholeAt(view, at, largest); end !== undefined; end = wholeAt(view, at, largest)) {
    offsets.push(at);
    if (view.readUInt32BE(at) >= groupStart) group = at;
    at = end;
  }
  const rest = at < view.length;
  return { offsets, group, end: at, rest, damaged: rest && laterGroup(view, at, largest) };
}
