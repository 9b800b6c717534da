import { isUtf8 } from "node:buffer";

const header = 4;
const headBytes = 24;

/** Longest payload that a peer of either direction takes: 8192 bytes with the header. */
export const frameCap = 8192 - header;

/** What the reader found, in the order of the bytes. */
export type FrameEvent =
  | { readonly kind: "line"; readonly text: string }
  /** Longer than allowed; it is skipped. `head` is its first characters, to tell which verb it was. */
  | { readonly kind: "tooLong"; readonly total: number; readonly head: string }
  /** A length under 4 or bytes that are no UTF-8: the connection has no future. */
  | { readonly kind: "broken"; readonly why: "length" | "utf8" };

/** One line as a frame: u32 little-endian length of header and payload, then UTF-8. */
export function encodeFrame(line: string): Buffer {
  const size = Buffer.byteLength(line);
  const frame = Buffer.allocUnsafe(header + size);
  frame.writeUInt32LE(header + size, 0);
  frame.write(line, header, size, "utf8");
  return frame;
}

/**
 * Takes bytes in any portions and gives frames. It never holds more than one allowed payload; what is too long is
 * counted away, and after `broken` everything is ignored.
 */
export class FrameReader {
  readonly #allowed: (head: string) => number;
  readonly #length = Buffer.alloc(header);
  #lengthFilled = 0;
  #payload: Buffer = Buffer.alloc(0);
  #filled = 0;
  #total = 0;
  #skip = 0;
  #ended = false;

  /** `allowed` gives the most payload bytes of a frame from its first 24 bytes (latin1). */
  constructor(allowed: number | ((head: string) => number)) {
    this.#allowed = typeof allowed === "number" ? () => allowed : allowed;
  }

  /** The frames that these bytes complete. */
  push(chunk: Uint8Array): FrameEvent[] {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const found: FrameEvent[] = [];
    let at = 0;
    while (at < bytes.length && !this.#ended) at = this.#step(bytes, at, found);
    return found;
  }

  #step(bytes: Buffer, at: number, found: FrameEvent[]): number {
    if (this.#skip > 0) {
      const gone = Math.min(this.#skip, bytes.length - at);
      this.#skip -= gone;
      return at + gone;
    }
    return this.#lengthFilled < header
      ? this.#readLength(bytes, at, found)
      : this.#readPayload(bytes, at, found);
  }

  #readLength(bytes: Buffer, at: number, found: FrameEvent[]): number {
    const taken = bytes.copy(this.#length, this.#lengthFilled, at);
    this.#lengthFilled += taken;
    if (this.#lengthFilled < header) return at + taken;
    this.#total = this.#length.readUInt32LE(0);
    const size = this.#total - header;
    if (size < 0) return this.#break("length", found, bytes);
    // Before the head is known, room for the head only: a length that was only announced costs nothing.
    this.#payload = Buffer.allocUnsafe(Math.min(size, headBytes));
    this.#filled = 0;
    if (size === 0) this.#finish(found);
    return at + taken;
  }

  #readPayload(bytes: Buffer, at: number, found: FrameEvent[]): number {
    const taken = bytes.copy(this.#payload, this.#filled, at);
    this.#filled += taken;
    if (this.#filled < this.#payload.length) return at + taken;
    const size = this.#total - header;
    const head = this.#payload.toString("latin1", 0, headBytes);
    if (this.#filled <= headBytes && size > this.#allowed(head)) {
      this.#skip = size - this.#filled;
      this.#lengthFilled = 0;
      found.push({ kind: "tooLong", total: this.#total, head });
    } else if (this.#filled < size) {
      const whole = Buffer.allocUnsafe(size);
      this.#payload.copy(whole);
      this.#payload = whole;
    } else this.#finish(found);
    return at + taken;
  }

  #finish(found: FrameEvent[]): void {
    this.#lengthFilled = 0;
    if (isUtf8(this.#payload)) found.push({ kind: "line", text: this.#payload.toString("utf8") });
    else this.#break("utf8", found, this.#payload);
  }

  #break(why: "length" | "utf8", found: FrameEvent[], bytes: Buffer): number {
    this.#ended = true;
    found.push({ kind: "broken", why });
    return bytes.length;
  }
}
