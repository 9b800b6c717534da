import { HEADER } from "./constants.ts";
import { encodeAt, sizeOf } from "./codec.ts";
import { putU32 } from "./cursor.ts";
import type { MessageName } from "./messages.ts";
import type { Wire } from "./wire.ts";

const SLAB = 65_536;
/** Room below which a buffer is not passed on: what is answered in one turn is to leave in one write. */
const LEAST = 16_384;

/**
 * The buffer that was given back last, used up to a place. Outboxes that have nothing to send hold none: ten thousand idle
 * connections then share one.
 */
let spare: { readonly bytes: Buffer; readonly at: number } | undefined;

const nothing = Buffer.allocUnsafeSlow(0);

/** Gathers messages into few writes. Bytes that were handed to the wire are never touched again. */
export class Outbox {
  readonly #wire: Wire;
  /** The buffer in which `reserve` gives room. */
  bytes: Buffer = nothing;
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
      this.#take(size);
    }
    const at = this.#at;
    this.#at += size;
    return at;
  }

  #take(size: number): void {
    const found = spare && spare.bytes.length - spare.at >= size ? spare : undefined;
    if (found) spare = undefined;
    this.bytes = found?.bytes ?? Buffer.allocUnsafeSlow(Math.max(SLAB, size));
    this.#at = found?.at ?? 0;
    this.#start = this.#at;
  }

  #giveBack(): void {
    const room = this.bytes.length - this.#at;
    if (room >= LEAST && room > (spare ? spare.bytes.length - spare.at : 0))
      spare = { bytes: this.bytes, at: this.#at };
    this.bytes = nothing;
    this.#at = 0;
    this.#start = 0;
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
    this.#giveBack();
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
