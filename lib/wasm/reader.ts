import { fault } from "./fault.ts";

const decoder = new TextDecoder("utf-8", { fatal: true });

/** A cursor over a module's bytes that never leaves its end and says where it stands when it refuses. */
export class Reader {
  readonly bytes: Uint8Array;
  readonly end: number;
  /** What is being read, for messages. */
  what: string;
  at: number;

  constructor(bytes: Uint8Array, start: number, end: number, what: string) {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
    this.what = what;
  }

  /** Names the present place. */
  where(at = this.at): string {
    return `${this.what} at byte ${at}`;
  }

  u8(): number {
    const value = this.at < this.end ? this.bytes[this.at] : undefined;
    if (value === undefined) throw fault.truncated(this.where());
    this.at++;
    return value;
  }

  /** An unsigned LEB128 number of at most 32 bits in at most five bytes. */
  u32(): number {
    const start = this.at;
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.u8();
      if (shift === 28 && byte > 0x0f) break;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw fault.malformed(`number over 32 bits, ${this.where(start)}`);
  }

  /** A signed LEB128 number of at most 33 bits. */
  s33(): number {
    const start = this.at;
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.u8();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte >= 0x80) continue;
      if (shift === 28 && !signFills(byte, 5)) break;
      return (byte & 0x40) === 0 ? value : value - 2 ** (shift + 7);
    }
    throw fault.malformed(`number over 33 bits, ${this.where(start)}`);
  }

  /** Passes a signed LEB128 number of at most `bits` bits (32 or 64). */
  skipSigned(bits: 32 | 64): void {
    const start = this.at;
    const most = bits === 32 ? 5 : 10;
    for (let n = 1; n <= most; n++) {
      const byte = this.u8();
      if (byte >= 0x80) continue;
      if (n === most && !signFills(byte, bits === 32 ? 4 : 1)) break;
      return;
    }
    throw fault.malformed(`number over ${bits} bits, ${this.where(start)}`);
  }

  skip(count: number): void {
    if (count > this.end - this.at) throw fault.truncated(this.where());
    this.at += count;
  }

  /** A number of things, refused when over its bound or when each of them needs a byte that is not there. */
  count(name: string, bound: number): number {
    const start = this.at;
    const value = this.u32();
    if (value > bound) throw fault.bound(`${value} ${name}, at most ${bound}, ${this.where(start)}`);
    if (value > this.end - this.at) throw fault.truncated(`${value} ${name} announced, ${this.where(start)}`);
    return value;
  }

  name(bound: number): string {
    const start = this.at;
    const length = this.count("bytes in a name", bound);
    const bytes = this.bytes.subarray(this.at, this.at + length);
    this.at += length;
    try {
      return decoder.decode(bytes);
    } catch {
      throw fault.malformed(`name that is not UTF-8, ${this.where(start)}`);
    }
  }

  /** A reader of the next `length` bytes, which this one passes. */
  part(length: number, what: string): Reader {
    const start = this.at;
    if (length > this.end - start)
      throw fault.truncated(`${what} at byte ${start} announces ${length} bytes`);
    this.at += length;
    return new Reader(this.bytes, start, start + length, what);
  }

  /** Refuses bytes left over. */
  finish(): void {
    if (this.at !== this.end) throw fault.trailing(`${this.end - this.at} bytes left over, ${this.where()}`);
  }
}

/** Whether the last byte of a signed number holds `used` bits and nothing but their sign above. */
function signFills(byte: number, used: number): boolean {
  const sign = (byte >> (used - 1)) & 1;
  return byte >> (used - 1) === (sign ? 0x7f >> (used - 1) : 0);
}
