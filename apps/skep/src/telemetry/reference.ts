import { createHash } from "node:crypto";
import { mkdir, open, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { faults } from "@skep/fault";
import type { Client } from "@skep/ninep";
import { z } from "zod";
import { writeAt } from "../chunked/file.ts";
import type { SessionPool } from "../client/pool.ts";
import { type Content, heldContent, upload } from "../jobs/blob.ts";

const fault = faults("telemetry-reference", {
  manifest: ["corrupt", "Cannot read the manifest of the artifact"],
  chunk: ["corrupt", "Cannot take a chunk: its bytes have another digest"],
});

/** Mime of a record whose payload names an artifact. */
export const referenceMime = "application/vnd.skep.reference+json";
const schema = "telemetry-reference/v1";
const chunkBytes = 8 * 1024 * 1024;

const Digest = z.string().regex(/^[0-9a-f]{64}$/);

/** What a record tells of an artifact. */
export const Reference = z.strictObject({
  schema: z.literal(schema),
  name: z.string().min(1).max(255),
  bytes: z.int().min(0),
  sha256: Digest,
  /** Digest of the manifest, a blob. */
  manifest: Digest,
});

/** A reference that was checked. */
export type Reference = z.output<typeof Reference>;

const Manifest = z.strictObject({
  schema: z.literal(schema),
  bytes: z.int().min(0),
  sha256: Digest,
  chunk_bytes: z
    .int()
    .min(1)
    .max(64 * 1024 * 1024),
  chunks: z.array(Digest),
});

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

async function* chunksOf(path: string, size: number): AsyncGenerator<Buffer> {
  await using file = await open(path, "r");
  for (let at = 0; ; ) {
    const buffer = Buffer.allocUnsafe(size);
    let length = 0;
    while (length < size) {
      const { bytesRead } = await file.read(buffer, length, size - length, at + length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    if (length === 0) return;
    at += length;
    yield buffer.subarray(0, length);
  }
}

/** Chunks on their way at a time: each is held in memory. */
const atOnce = 4;

/** Stores a file as chunks by digest and their manifest, several at a time; chunks that are there are not sent again. */
export async function storeArtifact(
  pool: SessionPool<Client>,
  path: string,
  sent: (bytes: number) => void,
  signal?: AbortSignal,
): Promise<Reference> {
  const whole = createHash("sha256");
  const chunks: string[] = [];
  let bytes = 0;
  const put = (content: Content) =>
    pool.run("telemetry", (client) => upload(client, content, undefined, signal));
  const under = new Set<Promise<void>>();
  for await (const chunk of chunksOf(path, chunkBytes)) {
    whole.update(chunk);
    bytes += chunk.length;
    const content = heldContent(chunk);
    chunks.push(content.digest);
    const one = put(content).then(() => sent(chunk.length));
    under.add(one);
    // Its failure is seen where it is waited for; until then it is nobody's.
    one.catch(() => undefined);
    void one.then(
      () => under.delete(one),
      () => undefined,
    );
    if (under.size >= atOnce) await Promise.race(under);
  }
  await Promise.all(under);
  const digest = whole.digest("hex");
  const manifest = heldContent(
    Buffer.from(JSON.stringify({ schema, bytes, sha256: digest, chunk_bytes: chunkBytes, chunks })),
  );
  await put(manifest);
  return { schema, name: basename(path), bytes, sha256: digest, manifest: manifest.digest };
}

/** Fetches an artifact into a folder, going on with what is there; gives its path and the bytes that travelled. */
export async function fetchArtifact(
  client: Client,
  reference: Reference,
  dir: string,
  signal?: AbortSignal,
): Promise<{ readonly path: string; readonly fetched: number }> {
  const { manifest: digest } = reference;
  const text = await client.readAll(`/cas/${digest}`, { signal });
  const read = sha256(text) === digest ? Manifest.safeParse(JSON.parse(text.toString("utf8"))) : undefined;
  if (!read?.success) throw fault.manifest(digest);
  const { chunks, chunk_bytes } = read.data;
  await mkdir(dir, { recursive: true });
  const path = join(dir, `${reference.sha256.slice(0, 16)}-${basename(reference.name)}`);
  const had = await stat(path).then(
    ({ size }) => Math.floor(size / chunk_bytes),
    () => 0,
  );
  await using file = await open(path, had === 0 ? "w+" : "r+");
  const whole = createHash("sha256");
  let fetched = 0;
  for (const [at, chunk] of chunks.entries()) {
    const before = Buffer.alloc(at < had ? chunk_bytes : 0);
    if (at < had) await file.read(before, 0, chunk_bytes, at * chunk_bytes);
    let bytes: Uint8Array = before;
    if (sha256(before) !== chunk) {
      bytes = await client.readAll(`/cas/${chunk}`, { signal, limit: chunk_bytes });
      if (sha256(bytes) !== chunk) throw fault.chunk(chunk);
      await writeAt(file, bytes, at * chunk_bytes);
      fetched += bytes.length;
    }
    whole.update(bytes);
  }
  await file.truncate(read.data.bytes);
  if (whole.digest("hex") !== reference.sha256) throw fault.manifest(digest);
  return { path, fetched };
}
