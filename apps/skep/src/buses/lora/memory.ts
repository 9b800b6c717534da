import { join } from "node:path";
import type { Slot } from "@skep/provider-buses";
import { z } from "zod";
import { readText, replacePrivate } from "../../client/files.ts";

const Told = z.strictObject({ state: z.enum(["sent", "refused", "unsure"]), reason: z.string() });
const Entry = z.strictObject({
  /** True once it may have been sent. */
  begun: z.boolean(),
  /** There once it is over: what is to be told. */
  told: Told.optional(),
});
const Memory = z.strictObject({
  /** Frames up to this number were taken. */
  cursor: z.int(),
  frames: z.record(z.string(), Entry),
  /** What was on the air, in its order. */
  slots: z.array(z.strictObject({ at: z.number(), ms: z.number() })),
});

/** What became of a frame. */
export type Told = z.output<typeof Told>;
/** What is remembered of a frame. */
export type Entry = z.output<typeof Entry>;

/** What an agent remembers over a crash of its own. */
export interface FrameMemory {
  readonly cursor: number;
  readonly slots: readonly Slot[];
  get(n: number): Entry | undefined;
  /** Durable when it returns; `slots`, where they changed with it. */
  put(n: number, entry: Entry, slots?: readonly Slot[]): void;
  forget(n: number): void;
  /** All that were not forgotten. */
  numbers(): readonly number[];
}

/** Memory in a file of the agent's own folder. Throws what cannot be read: then nothing is sent. */
export class FrameFile implements FrameMemory {
  readonly #file: string;
  #now: z.output<typeof Memory>;

  constructor(folder: string) {
    this.#file = join(folder, "frames.json");
    const text = readText(this.#file);
    this.#now = text === undefined ? { cursor: -1, frames: {}, slots: [] } : Memory.parse(JSON.parse(text));
  }

  get cursor(): number {
    return this.#now.cursor;
  }

  get slots(): readonly Slot[] {
    return this.#now.slots;
  }

  get(n: number): Entry | undefined {
    return this.#now.frames[n];
  }

  put(n: number, entry: Entry, slots: readonly Slot[] = this.#now.slots): void {
    const { cursor, frames } = this.#now;
    this.#save({ cursor: Math.max(cursor, n), frames: { ...frames, [n]: entry }, slots: [...slots] });
  }

  forget(n: number): void {
    const { [n]: _gone, ...frames } = this.#now.frames;
    this.#save({ ...this.#now, frames });
  }

  numbers(): readonly number[] {
    return Object.keys(this.#now.frames).map(Number);
  }

  #save(next: z.output<typeof Memory>): void {
    replacePrivate(this.#file, `${JSON.stringify(next)}\n`);
    this.#now = next;
  }
}
