import { HEADER } from "./constants.ts";
import { encodeAt, sizeOf } from "./codec.ts";
import { putU32 } from "./cursor.ts";
import type { MessageName } from "./messages.ts";
import type { Wire } from "./wire.ts";

const SLAB = 65_536;

/** Gathers messages into few writes. Bytes that were handed to the wire are never touched again. */
export class Outbox {
  readonly #wire: Wire;
  /** The buffer in which `reserve` gives room. */
  bytes: Buffer = Buffer.allocUnsafeSlow(0);
  #start = 0;
  #at = 0;
  #full = false;
  #scheduled = false;

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  /** The wire asked to wait for its drain. */
  get full(): boolean {
    return this.#full;
  }

  drained(): void {
    this.#full = false;
  }

  /** Room for one message of `size` bytes in `bytes`, at the place returned; to be filled before the next call. */
  reserve(size: number): number {
    if (this.#at + size > this.bytes.length) {
      this.flush();
      this.bytes = Buffer.allocUnsafeSlow(Math.max(SLAB, size));
      this.#start = 0;
      this.#at = 0;
    }
    const at = this.#at;
    this.#at += size;
    return at;
  }

  /** Reserves a message and writes its header. */
  header(size: number, number: number, tag: number): number {
    const at = this.reserve(size);
    const bytes = this.bytes;
    putU32(bytes, at, size);
    bytes[at + 4] = number;
    bytes[at + 5] = tag;
    bytes[at + 6] = tag >>> 8;
    return at + HEADER;
  }

  put(name: MessageName, tag: number, body: object): void {
    const size = sizeOf(name, body);
    const at = this.reserve(size);
    encodeAt(this.bytes, at, size, name, tag, body);
  }

  flush(): void {
    if (this.#at === this.#start) return;
    const chunk = this.bytes.subarray(this.#start, this.#at);
    this.#start = this.#at;
    if (!this.#wire.write(chunk)) this.#full = true;
  }

  /** Flushes once the present run of callbacks is over, however often it is asked for. */
  flushSoon(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.flush();
    });
  }
}
