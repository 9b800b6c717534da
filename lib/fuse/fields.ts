import { isUtf8 } from "node:buffer";
import { fault } from "./faults.ts";

/** Reads the fields of one request, in the byte order of this machine; every step beyond its end is malformed. */
export class Fields {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  #take(count: number): number {
    const from = this.#at;
    if (count > this.#bytes.length - from) throw fault.malformed("a field ends beyond the request");
    this.#at = from + count;
    return from;
  }

  u32(): number {
    return this.#bytes.readUInt32LE(this.#take(4));
  }

  u64(): bigint {
    return this.#bytes.readBigUInt64LE(this.#take(8));
  }

  /** A 64-bit number that has to be an exact one here: an offset, a size, a number that we gave out. */
  count(): number {
    const value = Number(this.u64());
    if (!Number.isSafeInteger(value)) throw fault.malformed("a number beyond 2^53");
    return value;
  }

  skip(count: number): void {
    this.#take(count);
  }

  /** A name up to its zero byte, or nothing where it is no UTF-8. */
  name(): string | undefined {
    const end = this.#bytes.indexOf(0, this.#at);
    if (end < 0) throw fault.malformed("a name without its end");
    const name = this.#bytes.subarray(this.#at, end);
    this.#at = end + 1;
    return isUtf8(name) ? name.toString() : undefined;
  }

  /** Exactly `count` bytes up to the end of the request; a view. */
  data(count: number): Buffer {
    const from = this.#take(count);
    if (this.#at !== this.#bytes.length) throw fault.malformed("data of another size than it says");
    return this.#bytes.subarray(from, this.#at);
  }
}
