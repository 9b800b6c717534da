import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import type { Fault } from "@skep/fault";

/** One piece of a file, by its SHA-256 in hex. */
export interface Chunk {
  readonly digest: string;
  readonly bytes: number;
}

/** A chunk, and where in the file it lies. */
export type Placed = Chunk & { readonly at: number };

/** What a file has to be. */
export interface Whole {
  readonly chunks: readonly Chunk[];
  readonly bytes: number;
  readonly digest: string;
}

/** What says where a file is cut: a `Chunker` of `@skep/chunks`, or something like it. */
export interface Cutter {
  push(bytes: Uint8Array): Iterable<Uint8Array>;
  end(): Iterable<Uint8Array>;
}

const pieceBytes = 1024 * 1024;
/** Chunks under way at a time. */
const window = 12;

/** SHA-256 in hex. */
export const digestOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** Where each chunk lies. */
export function placesOf(chunks: readonly Chunk[]): Placed[] {
  let next = 0;
  return chunks.map(({ digest, bytes }) => {
    const at = next;
    next += bytes;
    return { digest, bytes, at };
  });
}

/** Each different chunk, where it lies first. */
export function partsOf(chunks: readonly Chunk[]): Map<string, Placed> {
  const parts = new Map<string, Placed>();
  for (const place of placesOf(chunks)) if (!parts.has(place.digest)) parts.set(place.digest, place);
  return parts;
}

/** Does something for each, a window of them at a time; the first that throws ends it. */
export async function each<T>(all: Iterable<T>, act: (one: T) => Promise<void>): Promise<void> {
  const left = all[Symbol.iterator]();
  const lane = async (): Promise<void> => {
    for (let next = left.next(); !next.done; next = left.next()) await act(next.value);
  };
  await Promise.all(Array.from({ length: window }, lane));
}

/** Copies a file and tells what it is made of; durable when it returns. */
export async function cutFile(from: string, into: string, cutter: Cutter): Promise<Whole> {
  const whole = createHash("sha256");
  const chunks: Chunk[] = [];
  const take = (parts: Iterable<Uint8Array>): void => {
    for (const part of parts) chunks.push({ digest: digestOf(part), bytes: part.length });
  };
  await using source = await open(from, "r");
  await using target = await open(into, "w");
  let bytes = 0;
  for (;;) {
    // The cutter keeps what it was given.
    const { buffer, bytesRead } = await source.read(Buffer.alloc(pieceBytes), 0, pieceBytes, bytes);
    if (bytesRead === 0) break;
    bytes += bytesRead;
    const piece = buffer.subarray(0, bytesRead);
    whole.update(piece);
    take(cutter.push(piece));
    await target.writeFile(piece);
  }
  take(cutter.end());
  await target.sync();
  return { chunks, bytes, digest: whole.digest("hex") };
}

/** A chunk as it lies in a file; undefined where something else lies there. */
export async function chunkIn(file: FileHandle, { digest, bytes, at }: Placed): Promise<Buffer | undefined> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, at);
  return bytesRead === bytes && digestOf(buffer) === digest ? buffer : undefined;
}

/** Checks a file, chunk by chunk and as a whole. Throws what `wrong` makes of the place. */
export async function checkFile(
  path: string,
  { chunks, bytes, digest }: Whole,
  wrong: (where: string) => Fault,
): Promise<void> {
  await using file = await open(path, "r");
  const whole = createHash("sha256");
  for (const place of placesOf(chunks)) {
    const found = await chunkIn(file, place);
    if (!found) throw wrong(`at byte ${place.at}`);
    whole.update(found);
  }
  const { size } = await file.stat();
  if (size !== bytes || whole.digest("hex") !== digest) throw wrong(path);
}

/** Writes all of it: one write takes what a nearly full disk has room for; the next one says why. */
export async function writeAt(file: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, at + done);
    done += bytesWritten;
  }
}

/** Makes a file of its chunks; those that an earlier try wrote are not found again. Durable when it returns. */
export async function fillFile(
  path: string,
  { chunks, bytes }: Omit<Whole, "digest">,
  find: (chunk: Chunk) => Promise<Uint8Array>,
  written: () => void,
): Promise<void> {
  await (await open(path, "a+")).close();
  await using file = await open(path, "r+");
  await each(placesOf(chunks), async (place) => {
    if (await chunkIn(file, place)) return;
    const found = await find(place);
    await writeAt(file, found, place.at);
    written();
  });
  await file.truncate(bytes);
  await file.sync();
}

/** Reads the wanted chunks of a file and sends them. Throws what `wrong` makes of a place that has something else. */
export async function sendChunks(
  path: string,
  chunks: readonly Chunk[],
  wanted: Iterable<string>,
  send: (digest: string, bytes: Buffer) => Promise<void>,
  wrong: (where: string) => Fault,
): Promise<void> {
  const parts = partsOf(chunks);
  await using file = await open(path, "r");
  await each(new Set(wanted), async (digest) => {
    const part = parts.get(digest);
    if (!part) return;
    const bytes = await chunkIn(file, part);
    if (!bytes) throw wrong(`at byte ${part.at}`);
    await send(digest, bytes);
  });
}
