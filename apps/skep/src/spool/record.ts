import { crc32 } from "node:zlib";

const magic = 0x50534b53; // "SKSP"
const version = 1;
/** Bytes before the payload. */
export const recordHead = 32;

/** What a record is. */
export const recordKinds = { text: 1, json: 2 } as const;

/** One record of a spool. */
export interface SpoolRecord {
  readonly kind: number;
  /** From 1 on, without a gap, for the life of the spool. */
  readonly seq: number;
  /** When it was appended, milliseconds since 1970. */
  readonly time: number;
  readonly payload: Buffer;
}

/** Magic, version, kind, seq, ts, len, crc, payload: little-endian. */
export function printRecord({ kind, seq, time, payload }: SpoolRecord): Buffer {
  const bytes = Buffer.alloc(recordHead + payload.length);
  bytes.writeUInt32LE(magic, 0);
  bytes.writeUInt8(version, 4);
  bytes.writeUInt8(kind, 5);
  bytes.writeBigUInt64LE(BigInt(seq), 8);
  bytes.writeBigUInt64LE(BigInt(time), 16);
  bytes.writeUInt32LE(payload.length, 24);
  payload.copy(bytes, recordHead);
  bytes.writeUInt32LE(crc32(payload, crc32(bytes.subarray(0, 28))), 28);
  return bytes;
}

/** The record that begins at an offset; undefined where none is whole there. */
export function readRecord(bytes: Buffer, at: number): SpoolRecord | undefined {
  if (at + recordHead > bytes.length) return undefined;
  const head = bytes.subarray(at, at + recordHead);
  const length = head.readUInt32LE(24);
  const payload = bytes.subarray(at + recordHead, at + recordHead + length);
  if (head.readUInt32LE(0) !== magic || head.readUInt8(4) !== version || payload.length < length)
    return undefined;
  if (crc32(payload, crc32(head.subarray(0, 28))) !== head.readUInt32LE(28)) return undefined;
  return {
    kind: head.readUInt8(5),
    seq: Number(head.readBigUInt64LE(8)),
    time: Number(head.readBigUInt64LE(16)),
    payload,
  };
}
