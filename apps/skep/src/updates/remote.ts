import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { Fault } from "@skep/fault";
import type { Client } from "@skep/ninep";
import { decodeManifest, type Manifest } from "@skep/provider-updates";
import { z } from "zod";
import { appendLine } from "../client/control.ts";
import { fault } from "./faults.ts";
import type { Packed } from "./pack.ts";

/** Chunks under way at a time. */
const window = 12;
const mostManifest = 64 * 1024 * 1024;

const Status = z.object({
  epoch: z.string(),
  state: z.enum(["empty", "manifest_pending", "chunks_pending", "ready", "quarantined"]),
  chunks: z.number(),
  missing: z.number(),
  payload_bytes: z.number(),
  payload_sha256: z.string(),
  quarantined: z.number(),
  signed_by: z.string(),
  reason: z.string(),
});

/** How far the hive is with an update. */
export type RemoteStatus = z.output<typeof Status>;

const pathOf = (epoch: string, ...below: readonly string[]): string =>
  ["/updates", epoch, ...below].join("/");
const digestOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** How far it is, once no check is under way. */
export async function statusOf(client: Client, epoch: string, signal?: AbortSignal): Promise<RemoteStatus> {
  const bytes = await client.readAll(pathOf(epoch, "status.json"), { signal });
  return Status.parse(JSON.parse(bytes.toString("utf8")));
}

/** The manifest that the hive has, and its bytes. Throws `update.unready`. */
export async function manifestOf(
  client: Client,
  epoch: string,
  signal?: AbortSignal,
): Promise<{ readonly manifest: Manifest; readonly bytes: Buffer }> {
  const bytes = await client.readAll(pathOf(epoch, "manifest.cbor"), { signal, limit: mostManifest });
  const manifest = decodeManifest(bytes);
  if (!manifest || manifest.epoch !== epoch) throw fault.unready(epoch);
  return { manifest, bytes };
}

async function put(client: Client, path: string, bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
  try {
    await using file = await client.open(path, "write", { signal });
    await file.writeAll(bytes, 0, { signal });
  } catch (thrown) {
    // Somebody brought it meanwhile.
    if (!(thrown instanceof Fault) || thrown.code !== "updates.complete") throw thrown;
  }
}

/** Does something for each, a window of them at a time; the first that throws ends it. */
export async function each<T>(all: Iterable<T>, act: (one: T) => Promise<void>): Promise<void> {
  const left = all[Symbol.iterator]();
  const lane = async (): Promise<void> => {
    for (let next = left.next(); !next.done; next = left.next()) await act(next.value);
  };
  await Promise.all(Array.from({ length: window }, lane));
}

type Part = { readonly digest: string; readonly bytes: number; readonly at: number };

/** Each different chunk once, and where it lies first. */
export function partsOf({ chunks }: Manifest): Map<string, Part> {
  const parts = new Map<string, Part>();
  let at = 0;
  for (const { digest, bytes } of chunks) {
    if (!parts.has(digest)) parts.set(digest, { digest, bytes, at });
    at += bytes;
  }
  return parts;
}

async function sendChunks(
  client: Client,
  { manifest, payload }: Packed,
  wanted: readonly string[],
  { sent, signal }: { readonly sent: (bytes: number) => void; readonly signal?: AbortSignal },
): Promise<void> {
  const parts = partsOf(manifest);
  await using file = await open(payload, "r");
  await each(wanted, async (digest) => {
    const part = parts.get(digest);
    if (!part) return;
    const { buffer } = await file.read(Buffer.alloc(part.bytes), 0, part.bytes, part.at);
    if (digestOf(buffer) !== digest) throw fault.payload(`at byte ${part.at}`);
    await put(client, pathOf(manifest.epoch, "chunks", digest), buffer, signal);
    sent(buffer.length);
  });
}

async function wantedBy(client: Client, epoch: string, signal?: AbortSignal): Promise<string[]> {
  const text = await client.readAll(pathOf(epoch, "missing"), { signal, limit: mostManifest });
  return text.toString("utf8").split("\n").filter(Boolean);
}

/** Brings an update to the hive: what is there already does not travel, so it goes on after any cut. */
export async function uploadUpdate(
  client: Client,
  packed: Packed,
  options: { readonly sent: (bytes: number) => void; readonly signal?: AbortSignal },
): Promise<RemoteStatus> {
  const { manifest, bytes } = packed;
  const { epoch } = manifest;
  const { signal } = options;
  const before = await statusOf(client, epoch, signal);
  const path = pathOf(epoch, "manifest.cbor");
  const isNew = ["empty", "manifest_pending"].includes(before.state);
  if (!isNew) {
    const theirs = await manifestOf(client, epoch, signal);
    if (!theirs.bytes.equals(bytes)) throw fault.other(epoch);
  }
  if (isNew && manifest.form === "fixed") {
    const listed = before.state === "empty" ? [] : await client.readdir(pathOf(epoch, "chunks"), { signal });
    const had = new Set(listed.map(({ name }) => name));
    await sendChunks(
      client,
      packed,
      [...partsOf(manifest).keys()].filter((each) => !had.has(each)),
      options,
    );
  }
  if (isNew) await put(client, path, bytes, signal);
  const wanted = await wantedBy(client, epoch, signal);
  await sendChunks(client, packed, wanted, options);
  const { state } = await statusOf(client, epoch, signal);
  if (state === "chunks_pending") await appendLine(client, pathOf(epoch, "ctl"), '{"op":"finish"}', signal);
  return statusOf(client, epoch, signal);
}

/** Bytes of one chunk, checked. Throws `update.payload`. */
export async function fetchChunk(
  client: Client,
  epoch: string,
  digest: string,
  signal?: AbortSignal,
): Promise<Buffer> {
  const bytes = await client.readAll(pathOf(epoch, "chunks", digest), { signal });
  if (digestOf(bytes) !== digest) throw fault.payload(digest);
  return bytes;
}
