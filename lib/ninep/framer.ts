import { HEADER } from "./constants.ts";
import { u32At } from "./cursor.ts";
import { fault } from "./faults.ts";

const nothing = Buffer.alloc(0);

/**
 * Cuts a byte stream into frames. After `next()` gives true the frame is `bytes[start..end)`, a view of what
 * was pushed; it stays valid for as long as somebody holds it.
 */
export class Framer {
  bytes: Buffer = nothing;
  start = 0;
  end = 0;
  /** The largest frame that is taken. */
  limit: number;
  /** Where the next frame starts. */
  #at = 0;
  /** Where the bytes that came end; a buffer of our own has room after it, one that was pushed has none. */
  #filled = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Bytes that came and were not given as a frame yet. */
  get waiting(): number {
    return this.#filled - this.#at;
  }

  push(chunk: Uint8Array): void {
    const rest = this.#filled - this.#at;
    if (rest === 0) {
      this.bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
      this.#at = 0;
      this.#filled = chunk.length;
      return;
    }
    if (this.bytes.length - this.#filled < chunk.length) this.#move(rest, chunk.length);
    this.bytes.set(chunk, this.#filled);
    this.#filled += chunk.length;
  }

  /** Moves what is left into a new buffer with room for the chunk and for the whole frame that has begun. */
  #move(rest: number, more: number): void {
    const announced = rest >= 4 ? Math.min(u32At(this.bytes, this.#at), this.limit) : 0;
    const grown = Buffer.allocUnsafeSlow(Math.max(rest + more, announced + more));
    this.bytes.copy(grown, 0, this.#at, this.#filled);
    this.bytes = grown;
    this.#at = 0;
    this.#filled = rest;
  }

  // A connection that says little must not keep what it said last until it speaks again: such bytes outlive the young
  // generation, and ten thousand of them a second are a full collection every ten.
  #forget(): void {
    this.bytes = nothing;
    this.#at = 0;
    this.#filled = 0;
  }

  /** Finds the next whole frame; throws `ninep.malformed` for a size that no frame can have. */
  next(): boolean {
    const rest = this.#filled - this.#at;
    if (rest === 0) this.#forget();
    if (rest < 4) return false;
    const size = u32At(this.bytes, this.#at);
    if (size < HEADER || size > this.limit) throw fault.malformed(`a frame of ${size} bytes`);
    if (rest < size) return false;
    this.start = this.#at;
    this.end = this.#at + size;
    this.#at = this.end;
    return true;
  }
}
