import { HEADER } from "./constants.ts";
import { encodeAt, sizeOf } from "./codec.ts";
import { putU32 } from "./cursor.ts";
import type { MessageName } from "./messages.ts";
import type { Wire } from "./wire.ts";

const SLAB = 65_536;
/** Bytes that are rather moved to another slab than sent alone: what is answered in one turn is to leave in one write. */
const LEAST = 16_384;
/** Room that an outbox begins with; while nobody else takes some it grows in place. */
const FIRST = 1024;

const nothing = Buffer.allocUnsafeSlow(0);

/**
 * The buffer that all outboxes take their room from, and up to where it is taken. One that has nothing to send holds
 * none of it: ten thousand idle connections need one slab, and as many with one answer each a hundred and sixty.
 */
let slab = nothing;
let taken = 0;

/** Gathers messages into few writes. Bytes that were handed to the wire are never touched again. */
export class Outbox {
  readonly #wire: Wire;
  /** The buffer in which `reserve` gives room. */
  bytes: Buffer = nothing;
  #start = 0;
  #at = 0;
  /** Where its room ends. */
  #end = 0;
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
    if (this.#at + size > this.#end) this.#makeRoom(size);
    const at = this.#at;
    this.#at += size;
    return at;
  }

  /** True where nobody took room after this one. */
  get #isLast(): boolean {
    return this.bytes === slab && this.#end === taken;
  }

  #makeRoom(size: number): void {
    const pending = this.#at - this.#start;
    if (this.#isLast && this.#at + size <= slab.length) {
      this.#end = Math.min(slab.length, Math.max(this.#at + size, this.#end + pending));
      taken = this.#end;
    } else if (pending === 0 || pending >= LEAST || pending + size > SLAB) {
      this.flush();
      this.#take(size);
    } else {
      const before = this.bytes.subarray(this.#start, this.#at);
      this.#take(2 * pending + size);
      this.bytes.set(before, this.#at);
      this.#at += pending;
    }
  }

  #take(size: number): void {
    const room = Math.max(FIRST, size);
    if (slab.length - taken < room && room > SLAB / 2) {
      this.bytes = Buffer.allocUnsafeSlow(room);
      this.#start = 0;
      this.#end = room;
    } else {
      if (slab.length - taken < room) {
        slab = Buffer.allocUnsafeSlow(SLAB);
        taken = 0;
      }
      this.bytes = slab;
      this.#start = taken;
      taken += room;
      this.#end = taken;
    }
    this.#at = this.#start;
  }

  #giveBack(): void {
    if (this.#isLast) taken = this.#at;
    this.bytes = nothing;
    this.#start = 0;
    this.#at = 0;
    this.#end = 0;
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
