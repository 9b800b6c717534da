import { join } from "node:path";
import { z } from "zod";
import { readText, replacePrivate } from "../client/files.ts";

const value = z.union([z.string(), z.number(), z.boolean()]);
const evidence = z.record(z.string(), value).nullable();

const Report = z.strictObject({
  state: z.enum(["succeeded", "failed", "unknown"]),
  reason: z.string(),
  evidence,
  output: z.string(),
});

const Entry = z.strictObject({
  /** Which queuing of the ticket it is about. */
  n: z.int(),
  /** There once it may have been begun: what the target told before, and when, milliseconds since 1970. */
  begun: z.strictObject({ before: evidence, at: z.number() }).optional(),
  /** There once it is over: what is to be told. */
  report: Report.optional(),
});

const Memory = z.strictObject({
  /** Tickets up to this number were taken. */
  cursor: z.int(),
  tickets: z.record(z.string(), Entry),
});

/** What came of an act. */
export type Report = z.output<typeof Report>;
/** What is remembered of a ticket. */
export type Entry = z.output<typeof Entry>;

/** What an agent remembers over a crash of its own: what it took, began and has to tell. */
export interface Memory {
  readonly cursor: number;
  get(id: string): Entry | undefined;
  /** Durable when it returns. */
  put(id: string, entry: Entry): void;
  forget(id: string): void;
}

/** Memory in a file of the agent's own folder. Throws what cannot be read: then nothing is begun. */
export class FileMemory implements Memory {
  readonly #file: string;
  #now: z.output<typeof Memory>;

  constructor(folder: string) {
    this.#file = join(folder, "tickets.json");
    const text = readText(this.#file);
    this.#now = text === undefined ? { cursor: -1, tickets: {} } : Memory.parse(JSON.parse(text));
  }

  get cursor(): number {
    return this.#now.cursor;
  }

  get(id: string): Entry | undefined {
    return this.#now.tickets[id];
  }

  put(id: string, entry: Entry): void {
    const { cursor, tickets } = this.#now;
    this.#save({ cursor: Math.max(cursor, entry.n), tickets: { ...tickets, [id]: entry } });
  }

  forget(id: string): void {
    const { [id]: _gone, ...tickets } = this.#now.tickets;
    this.#save({ cursor: this.#now.cursor, tickets });
  }

  #save(next: z.output<typeof Memory>): void {
    replacePrivate(this.#file, `${JSON.stringify(next)}\n`);
    this.#now = next;
  }
}
