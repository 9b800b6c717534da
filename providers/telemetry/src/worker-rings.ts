import { type Awaitable, type Files, Ring, type Runtime, type StreamSource } from "@skep/kernel";
import { readItem } from "./cbor.ts";
import type { Figures } from "./figures.ts";
import { fault } from "./records.ts";
import { type Piece, RingLog } from "./ring-log.ts";

/** A ring that does not begin at 0 where one was there before. */
class Placed implements StreamSource {
  readonly start: number;
  readonly ring: Ring;
  /** What was reserved by appends that wait for the disk. */
  reserved = 0;
  /** Bytes that went since the last line about it. */
  untold = 0;
  toldAt = Number.NEGATIVE_INFINITY;

  constructor(capacity: number, start: number) {
    this.ring = new Ring(capacity);
    this.start = start;
  }

  get base(): number {
    return this.start + this.ring.base;
  }

  get next(): number {
    return this.start + this.ring.next;
  }

  get ended(): boolean {
    return this.ring.ended;
  }

  read(offset: number, count: number): Uint8Array {
    return this.ring.read(Math.max(0, offset - this.start), count);
  }

  wait(act: () => void): { stop(): void } {
    return this.ring.wait(act);
  }
}

/** How large rings are, and whether they outlive a restart. */
export interface RingQuotas {
  /** Bytes of a worker process's ring. */
  readonly ringBytes: number;
  /** True where rings and their offsets outlive a restart of the hive. */
  readonly keep: boolean;
}

/** Bytes of the ring of a worker that the queen spawned, as the original has them. */
export const spawnedBytes = 1024;
const spawnedForm = /^worker-[1-9]\d*$/;
const tellEvery = 1000;
/** Lines about rings in that time, however many rings there are: a line of each of ten thousand would drive all else out of the log. */
const tellMost = 16;

/**
 * One write as records: lines, each with its newline, or whole CBOR items, none of which is longer than `most`. No UTF-8
 * begins with the bytes that a CBOR array, map or long string begins with, so that the first byte tells.
 */
function whole(bytes: Buffer, most: number): Buffer {
  const [first = 0] = bytes;
  if (first < 0x80 || first > 0xbf) {
    const all = bytes.length === 0 || bytes.at(-1) === 10 ? bytes : Buffer.concat([bytes, Buffer.from("\n")]);
    if (all.length > most) checkEach(all, most, (at) => all.indexOf(10, at) + 1);
    return all;
  }
  checkEach(bytes, most, (at) => {
    const item = readItem(bytes, at);
    if (!item) throw fault.cbor();
    return item.end;
  });
  return bytes;
}

function checkEach(bytes: Buffer, most: number, endOf: (at: number) => number): void {
  for (let at = 0; at < bytes.length; ) {
    const end = endOf(at);
    if (end - at > most) throw fault.record(`${end - at} of at most ${most} bytes`);
    at = end;
  }
}

function lines(bytes: Uint8Array): number {
  let count = 0;
  for (const byte of bytes) if (byte === 10) count += 1;
  return count;
}

/** The rings of all workers: bytes with absolute offsets, the oldest of which go. */
export class WorkerRings {
  readonly #quotas: RingQuotas;
  readonly #figures: Figures;
  readonly #rings = new Map<string, Placed>();
  readonly #log: RingLog | undefined;
  #loading: Promise<void> | undefined;
  #runtime: Runtime | undefined;
  #telling = { since: Number.NEGATIVE_INFINITY, lines: 0 };

  constructor(files: Files, quotas: RingQuotas, figures: Figures) {
    this.#quotas = quotas;
    this.#figures = figures;
    if (quotas.keep) this.#log = new RingLog(files, () => this.#pieces());
  }

  /** What wraps is told to the log from now on. */
  begin(runtime: Runtime): void {
    this.#runtime = runtime;
  }

  *#pieces(): Generator<Piece> {
    for (const [id, ring] of this.#rings)
      yield { id, at: ring.base, bytes: Buffer.from(ring.read(ring.base, ring.next - ring.base)) };
  }

  // Rings that are kept are read once, when the first is asked for.
  #ready(): Promise<void> | undefined {
    const log = this.#log;
    if (!log || this.#loading === done) return undefined;
    this.#loading ??= log.load().then((pieces) => {
      for (const piece of pieces) this.#put(piece);
      this.#loading = done;
    });
    return this.#loading;
  }

  #put(piece: Piece): void {
    if (RingLog.isGone(piece)) {
      this.#rings.delete(piece.id);
      return;
    }
    const known = this.#rings.get(piece.id);
    const usual = spawnedForm.test(piece.id) ? spawnedBytes : this.#quotas.ringBytes;
    const capacity = Math.max(usual, piece.bytes.length);
    const ring = known?.next === piece.at ? known : this.#make(piece.id, capacity, piece.at);
    ring.ring.append(piece.bytes);
  }

  #make(id: string, capacity: number, start: number): Placed {
    const made = new Placed(capacity, start);
    this.#rings.set(id, made);
    return made;
  }

  #of(id: string, spawned: boolean): Placed {
    return this.#rings.get(id) ?? this.#make(id, spawned ? spawnedBytes : this.#quotas.ringBytes, 0);
  }

  /** The ring of a worker, made on first use. */
  source(id: string, spawned: boolean): Awaitable<StreamSource> {
    const ready = this.#ready();
    return ready ? ready.then(() => this.#of(id, spawned)) : this.#of(id, spawned);
  }

  /** Appends whole records; where rings are kept it answers when they are durable. Throws `telemetry.{record,cbor}`. */
  append(id: string, spawned: boolean, data: Uint8Array): Awaitable<number> {
    const ready = this.#ready();
    return ready ? ready.then(() => this.#append(id, spawned, data)) : this.#append(id, spawned, data);
  }

  #append(id: string, spawned: boolean, data: Uint8Array): Awaitable<number> {
    const began = this.#figures.now();
    const ring = this.#of(id, spawned);
    // A view: nobody changes what came over a wire, and the ring takes a copy.
    const view = Buffer.from(data.buffer, data.byteOffset, data.length);
    const bytes = this.#whole(view, ring.ring.capacity);
    if (!this.#log) {
      this.#push(ring, bytes);
      this.#figures.took(this.#figures.now() - began);
      return data.length;
    }
    const at = ring.next + ring.reserved;
    ring.reserved += bytes.length;
    this.#figures.queued += 1;
    // What the ring would not keep of it is not kept on the disk either.
    const over = Math.max(0, bytes.length - ring.ring.capacity);
    const kept = this.#log.add({ id, at: at + over, bytes: bytes.subarray(over) }, () => {
      ring.reserved -= bytes.length;
      this.#push(ring, bytes);
    });
    return kept
      .then(() => {
        this.#figures.took(this.#figures.now() - began);
        return data.length;
      })
      .finally(() => {
        this.#figures.queued -= 1;
      });
  }

  #whole(data: Buffer, capacity: number): Buffer {
    try {
      return whole(data, capacity);
    } catch (refused) {
      this.#figures.backpressure += 1;
      throw refused;
    }
  }

  #push(ring: Placed, bytes: Buffer): void {
    const over = ring.next + bytes.length - ring.base - ring.ring.capacity;
    if (over > 0) {
      const old = ring.read(ring.base, over);
      this.#figures.dropped += lines(old) + lines(bytes.subarray(0, over - old.length));
    }
    ring.ring.append(bytes);
    if (over > 0) this.#wrapped(ring, over);
  }

  // A ring that wraps with every record is told about once a second, or less often where there are many, each in its turn;
  // what was not told is in its next line.
  #wrapped(ring: Placed, dropped: number): void {
    ring.untold += dropped;
    const now = this.#figures.now();
    if (now - ring.toldAt < tellEvery * Math.max(1, this.#rings.size / tellMost)) return;
    if (now - this.#telling.since >= tellEvery) this.#telling = { since: now, lines: 0 };
    if (this.#telling.lines >= tellMost) return;
    this.#telling.lines += 1;
    this.#runtime?.log(`telemetry ring wrap dropped_bytes=${ring.untold} new_base=${ring.base}`);
    ring.untold = 0;
    ring.toldAt = now;
  }

  /** Lets the log go, where rings are kept. */
  async close(): Promise<void> {
    await this.#log?.close();
  }

  /** Ends the ring of a worker that is gone for ever. */
  drop(id: string): void {
    this.#rings.get(id)?.ring.end();
    this.#rings.delete(id);
    this.#log?.drop(id).catch(() => undefined);
  }
}

const done: Promise<void> = Promise.resolve();
