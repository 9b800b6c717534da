import { createHash } from "node:crypto";
import type { Files } from "@skep/kernel";
import type { Figures } from "./figures.ts";
import { fault, type Parsed, recordAt } from "./records.ts";
import { SegmentFile } from "./segment-file.ts";
import type { Device, Sealed, Segment } from "./state.ts";

/** How much is kept of a device. */
export interface Quotas {
  readonly devices: number;
  readonly segments: number;
  /** Bytes of one segment. */
  readonly segmentBytes: number;
  /** Bytes of one record, its newline included. */
  readonly recordBytes: number;
  readonly whenFull: "evict-oldest" | "refuse";
}

/** Sealed segments that are kept in memory after they were read. */
const readMost = 8;

/** Whether what has this source and number was kept before. */
function isRepeated(
  { source, seq }: Parsed,
  sealed: Readonly<Record<string, number>>,
  open: ReadonlyMap<string, number>,
): boolean {
  return source !== undefined && seq <= Math.max(sealed[source] ?? 0, open.get(source) ?? 0);
}

/** The bytes of segments: open ones in memory and on disk, sealed ones read when somebody asks. */
export class Store {
  readonly #files: Files;
  readonly #figures: Figures;
  readonly #quotas: Quotas;
  readonly #open = new Map<string, Promise<SegmentFile>>();
  readonly #read = new Map<string, Promise<SegmentFile>>();

  constructor(files: Files, quotas: Quotas, figures: Figures) {
    this.#files = files;
    this.#quotas = quotas;
    this.#figures = figures;
  }

  #load(device: string, { id, mime, state }: Segment): Promise<SegmentFile> {
    const name = `telemetry/${device}/${id}`;
    const cache = state === "open" ? this.#open : this.#read;
    const known = this.#open.get(name) ?? this.#read.get(name);
    if (known) return known;
    const made = new SegmentFile(this.#files, name, mime).load(state === "open");
    made.catch(() => cache.delete(name));
    cache.set(name, made);
    if (cache === this.#read && cache.size > readMost) cache.delete(cache.keys().next().value ?? "");
    return made;
  }

  /** The segment to read and to follow. */
  source(device: string, segment: Segment): Promise<SegmentFile> {
    return this.#load(device, segment);
  }

  /**
   * Appends whole records, and answers when they are durable. Gives the bytes taken: fewer where there is no more room.
   * Throws `telemetry.*` where none is taken. A numbered record that is there already is taken and not kept again.
   */
  async append(device: string, known: Device, segment: Segment, bytes: Uint8Array): Promise<number> {
    if (segment.state !== "open") throw fault.sealed(segment.id);
    const began = this.#figures.now();
    const file = await this.#load(device, segment);
    const { taken, kept } = this.#take(file, known, segment, Buffer.from(bytes));
    this.#figures.queued += kept;
    try {
      await file.flushed();
    } finally {
      this.#figures.queued -= kept;
    }
    this.#figures.took(this.#figures.now() - began);
    return taken;
  }

  #take(
    file: SegmentFile,
    { sources }: Device,
    { id, mime }: Segment,
    bytes: Buffer,
  ): { taken: number; kept: number } {
    let taken = 0;
    let kept = 0;
    try {
      while (taken < bytes.length) {
        const record = recordAt(bytes, taken, mime, this.#quotas.recordBytes);
        if (!isRepeated(record, sources, file.sources)) {
          if (file.size + record.bytes.length > this.#quotas.segmentBytes) throw fault.full(id);
          file.push(record);
          kept += 1;
        }
        taken += record.taken;
      }
    } catch (refused) {
      this.#figures.backpressure += 1;
      if (taken === 0) throw refused;
    }
    return { taken, kept };
  }

  /** Ends a segment: its size and digest as they are on the disk. Doing it twice gives the same. */
  async seal(device: string, segment: Segment): Promise<Sealed> {
    const name = `telemetry/${device}/${segment.id}`;
    const opened = this.#open.get(name);
    await (await opened?.catch(() => undefined))?.close();
    this.#open.delete(name);
    const file = await new SegmentFile(this.#files, name, segment.mime).load(true);
    await file.close();
    const digest = createHash("sha256").update(file.read(0, file.next)).digest("hex");
    return { bytes: file.next, records: file.records, digest, sources: Object.fromEntries(file.sources) };
  }

  /** The newest number of each source in an open segment, beside those in state. */
  async sources(device: string, segment: Segment | undefined): Promise<Record<string, number>> {
    if (segment?.state !== "open") return {};
    return Object.fromEntries((await this.#load(device, segment)).sources);
  }

  /** Lets the bytes of a segment go. */
  async remove(device: string, id: string): Promise<void> {
    const name = `telemetry/${device}/${id}`;
    for (const cache of [this.#open, this.#read]) {
      await (await cache.get(name)?.catch(() => undefined))?.close();
      cache.delete(name);
    }
    if ((await this.#files.size(name)) !== undefined) await this.#files.remove(name);
  }

  /** Ends every segment that is in memory: what was pushed is durable first, and its file is let go. */
  async close(): Promise<void> {
    const held = [...this.#open.values(), ...this.#read.values()];
    this.#open.clear();
    this.#read.clear();
    for (const one of held) await (await one.catch(() => undefined))?.close();
  }
}
