import { type FileHandle, mkdtemp, open, rm } from "node:fs/promises";
import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Fault } from "@skep/fault";
import type { Client } from "@skep/ninep";

/** Bytes by digest that can be read more than once. */
export interface Content extends AsyncDisposable {
  readonly bytes: number;
  /** SHA-256, hex. */
  readonly digest: string;
  /** All of it, where it was short enough to be kept in memory. */
  readonly held: Buffer | undefined;
  pieces(size: number): AsyncIterable<Uint8Array>;
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** Bytes that are in memory. */
export function heldContent(held: Buffer): Content {
  return {
    bytes: held.length,
    digest: sha256(held),
    held,
    async *pieces(size) {
      for (let at = 0; at < held.length; at += size) yield held.subarray(at, at + size);
    },
    async [Symbol.asyncDispose]() {
      // Memory needs no end.
    },
  };
}

async function* piecesOf(file: FileHandle, bytes: number, size: number): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.allocUnsafe(size);
  for (let at = 0; at < bytes; ) {
    const { bytesRead } = await file.read(buffer, 0, size, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/**
 * Takes a source to its end before anything else happens: who writes all of its input before it reads our output would
 * wait for ever otherwise. What is longer than `most` bytes lies in a private file meanwhile.
 */
export async function takeAll(
  source: AsyncIterable<Uint8Array>,
  most: number,
  taken: (bytes: number) => void = () => undefined,
): Promise<Content> {
  const parts: Buffer[] = [];
  const hash = createHash("sha256");
  let bytes = 0;
  let spilled: { readonly dir: string; readonly file: FileHandle } | undefined;
  for await (const part of source) {
    hash.update(part);
    bytes += part.length;
    taken(part.length);
    if (!spilled && bytes > most) {
      const dir = await mkdtemp(join(tmpdir(), "skep-"));
      spilled = { dir, file: await open(join(dir, "stdin"), "wx+", 0o600) };
      for (const earlier of parts.splice(0)) await spilled.file.writeFile(earlier);
    }
    if (spilled) await spilled.file.writeFile(part);
    else parts.push(Buffer.from(part));
  }
  if (!spilled) return heldContent(Buffer.concat(parts));
  const { dir, file } = spilled;
  return {
    bytes,
    digest: hash.digest("hex"),
    held: undefined,
    pieces: (size) => piecesOf(file, bytes, size),
    [Symbol.asyncDispose]: async () => {
      await file.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Stores a content under its digest; harmless when the caller has stored it before. */
export async function upload(
  client: Client,
  content: Content,
  sent: (bytes: number) => void = () => undefined,
  signal?: AbortSignal,
): Promise<void> {
  try {
    await using file = await client.open(`/cas/${content.digest}`, "write", { signal });
    let at = 0;
    for await (const piece of content.pieces(file.iounit)) {
      await file.writeAll(piece, at, { signal });
      at += piece.length;
      sent(piece.length);
    }
  } catch (thrown) {
    if (!(thrown instanceof Fault) || thrown.kind !== "conflict") throw thrown;
  }
}
