import type { Fault } from "@skep/fault";

/** Reads the types of RFC 4251 section 5; throws what it was given for anything that does not fit. */
export class Reader {
  readonly #bytes: Buffer;
  readonly #bad: (what: string) => Fault;
  #at = 0;

  constructor(bytes: Uint8Array, bad: (what: string) => Fault) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#bad = bad;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** How many bytes were read. */
  get offset(): number {
    return this.#at;
  }

  take(count: number): Buffer {
    if (count > this.left) throw this.#bad("too short");
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  u8(): number {
    return this.take(1).readUInt8();
  }

  u32(): number {
    return this.take(4).readUInt32BE();
  }

  u64(): bigint {
    return this.take(8).readBigUInt64BE();
  }

  string(): Buffer {
    return this.take(this.u32());
  }

  /** A string that must be UTF-8 without a zero byte. */
  text(): string {
    const bytes = this.string();
    const text = bytes.toString("utf8");
    if (text.includes("\0") || !Buffer.from(text).equals(bytes)) throw this.#bad("a text that is no UTF-8");
    return text;
  }

  /** The magnitude of a number that is not negative, without leading zeroes. */
  mpint(): Buffer {
    const bytes = this.string();
    if ((bytes[0] ?? 0) >= 0x80) throw this.#bad("a negative number");
    const first = bytes.findIndex((byte) => byte !== 0);
    return first < 0 ? Buffer.alloc(0) : bytes.subarray(first);
  }

  end(): void {
    if (this.left > 0) throw this.#bad(`${this.left} bytes too many`);
  }
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function string(value: Uint8Array | string): Buffer {
  const bytes = typeof value === "string" ? Buffer.from(value) : value;
  return Buffer.concat([u32(bytes.length), bytes]);
}

export function mpint(magnitude: Uint8Array): Buffer {
  const first = magnitude.findIndex((byte) => byte !== 0);
  const bytes = first < 0 ? Buffer.alloc(0) : magnitude.subarray(first);
  return string((bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.alloc(1), bytes]) : bytes);
}

/** Bytes of canonical standard base64 (RFC 4648 section 4, padded, no stray bits), else undefined. */
export function decodeBase64(text: string): Buffer | undefined {
  if (text.length % 4 !== 0) return undefined;
  const bytes = Buffer.from(text, "base64");
  return bytes.toString("base64") === text ? bytes : undefined;
}
