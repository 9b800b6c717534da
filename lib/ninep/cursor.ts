import { fault } from "./faults.ts";

/** A 64-bit number: a number while that is exact, else a bigint. One value has one form. */
export type U64 = number | bigint;

const TWO32 = 0x1_0000_0000;

/** The canonical form of an unsigned 64-bit number given as two halves. */
export function joinU64(low: number, high: number): U64 {
  if (high < 0x20_0000) return high * TWO32 + low;
  return (BigInt(high) << 32n) | BigInt(low);
}

/** Reads little-endian fields of one frame; every step beyond its end is a malformed frame. */
export class Reader {
  readonly bytes: Buffer;
  readonly end: number;
  at: number;

  constructor(bytes: Buffer, at: number, end: number) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  /** Moves `count` bytes on and gives where they start. */
  take(count: number): number {
    const from = this.at;
    if (count > this.end - from) throw fault.malformed("a field ends beyond the frame");
    this.at = from + count;
    return from;
  }

  u8(): number {
    return this.bytes[this.take(1)] as number;
  }

  u16(): number {
    const from = this.take(2);
    const bytes = this.bytes;
    return (bytes[from] as number) | ((bytes[from + 1] as number) << 8);
  }

  u32(): number {
    return u32At(this.bytes, this.take(4));
  }

  u64(): U64 {
    const from = this.take(8);
    return joinU64(u32At(this.bytes, from), u32At(this.bytes, from + 4));
  }
}

/** Writes little-endian fields into room that the caller has measured. */
export class Writer {
  readonly bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  u8(value: number): void {
    this.bytes[this.at++] = value;
  }

  u16(value: number): void {
    const bytes = this.bytes;
    bytes[this.at++] = value;
    bytes[this.at++] = value >>> 8;
  }

  u32(value: number): void {
    putU32(this.bytes, this.at, value);
    this.at += 4;
  }

  u64(value: U64): void {
    putU64(this.bytes, this.at, value);
    this.at += 8;
  }
}

/** The u32 at `at`, which the caller knows to lie within. */
export function u32At(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)) >>>
    0
  );
}

export function u16At(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
}

export function putU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

export function putU64(bytes: Uint8Array, at: number, value: U64): void {
  if (typeof value === "number") {
    putU32(bytes, at, value % TWO32);
    putU32(bytes, at + 4, Math.floor(value / TWO32));
    return;
  }
  putU32(bytes, at, Number(value & 0xffff_ffffn));
  putU32(bytes, at + 4, Number(value >> 32n));
}
