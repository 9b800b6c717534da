import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Book, emptyBook } from "@skep/owner";
import { z } from "zod";
import { replacePrivate } from "../client/files.ts";

/** Where a worker's folder keeps what concerns its owner. */
export const ownerPlaces = {
  rules: (folder: string): string => join(folder, "owner.toml"),
  /** Stands while the owner said pause; the worker looks at it, and needs no hive for that. */
  pause: (folder: string): string => join(folder, "owner.pause"),
  /** What is, for `skep owner`; written by the worker alone. */
  state: (folder: string): string => join(folder, "owner.state.json"),
  /** What was. */
  book: (folder: string): string => join(folder, "owner.book.json"),
} as const;

const Pause = z.object({ until: z.int().optional(), at: z.int() });

/** The owner's word. */
export type Pause = z.infer<typeof Pause>;

const Reason = z.object({ rule: z.string(), text: z.string() });

const State = z.object({
  v: z.literal(1),
  /** The process that wrote it. */
  pid: z.int(),
  worker: z.string(),
  at: z.int(),
  state: z.enum(["run", "freeze", "give-back", "paused"]),
  since: z.int(),
  reasons: z.array(Reason),
  until: z.int().optional(),
  blind: z.array(z.string()),
  gpus: z.record(z.string(), z.object({ free: z.boolean(), reasons: z.array(Reason) })),
  /** How the last stop was made. */
  stopped: z.object({ method: z.string(), processes: z.int(), ms: z.number(), seen: z.boolean() }).optional(),
  /** The file that the rules are from; absent where there is none. */
  file: z.string().optional(),
  rules: z.record(z.string(), z.unknown()),
  means: z.array(z.object({ what: z.string(), how: z.string() })),
  limits: z.array(z.object({ what: z.string(), how: z.string() })),
});

/** What a worker tells of its owner's rules and of itself. */
export type OwnerStateFile = z.infer<typeof State>;

function read<T>(path: string, parse: (value: unknown) => T): T | undefined {
  try {
    return parse(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    return undefined;
  }
}

/** The owner's word, where it was given; one that cannot be read is a pause without an end. */
export function readPause(folder: string): Pause | undefined {
  const path = ownerPlaces.pause(folder);
  if (!existsSync(path)) return undefined;
  return read(path, (value) => Pause.parse(value)) ?? { at: 0 };
}

/** What the worker of this folder last told; undefined where none ever did. */
export function readState(folder: string): OwnerStateFile | undefined {
  return read(ownerPlaces.state(folder), (value) => State.parse(value));
}

/** What was; a book that is damaged begins anew. */
export function readBook(folder: string): Book {
  const found = read(ownerPlaces.book(folder), (value) => value as Book);
  return found?.v === 1 && Array.isArray(found.latency?.counts) && found.months ? found : emptyBook;
}

export function writeState(folder: string, state: OwnerStateFile): void {
  replacePrivate(ownerPlaces.state(folder), `${JSON.stringify(state)}\n`);
}

export function writeBook(folder: string, book: Book): void {
  replacePrivate(ownerPlaces.book(folder), `${JSON.stringify(book)}\n`);
}
