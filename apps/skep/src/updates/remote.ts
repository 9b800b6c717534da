import type { Client } from "@skep/ninep";
import { decodeManifest, type Manifest } from "@skep/provider-updates";
import { z } from "zod";
import { digestOf, sendChunks } from "../chunked/file.ts";
import { put } from "../chunked/remote.ts";
import { appendLine } from "../client/control.ts";
import { fault } from "./faults.ts";
import type { Packed } from "./pack.ts";

const mostManifest = 64 * 1024 * 1024;

const Status = z.object({
  epoch: z.string(),
  state: z.enum(["empty", "manifest_pending", "chunks_pending", "ready", "damaged", "quarantined"]),
  chunks: z.number(),
  missing: z.number(),
  payload_bytes: z.number(),
  payload_sha256: z.string(),
  quarantined: z.number(),
  signed_by: z.string(),
  reason: z.string(),
  cure: z.string().default(""),
});

/** How far the hive is with an update. */
export type RemoteStatus = z.output<typeof Status>;

const pathOf = (epoch: string, ...below: readonly string[]): string =>
  ["/updates", epoch, ...below].join("/");

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

type Sending = { readonly sent: (bytes: number) => void; readonly signal?: AbortSignal };

const bring = (client: Client, path: string, bytes: Uint8Array, signal?: AbortSignal): Promise<void> =>
  put(client, path, bytes, { there: "updates.complete", signal });

async function sendPayload(
  client: Client,
  { manifest: { chunks, epoch }, payload }: Packed,
  wanted: readonly string[],
  { sent, signal }: Sending,
): Promise<void> {
  const send = async (digest: string, bytes: Buffer): Promise<void> => {
    await bring(client, pathOf(epoch, "chunks", digest), bytes, signal);
    sent(bytes.length);
  };
  await sendChunks(payload, chunks, wanted, send, (where) => fault.payload(where));
}

async function wantedBy(client: Client, epoch: string, signal?: AbortSignal): Promise<string[]> {
  const text = await client.readAll(pathOf(epoch, "missing"), { signal, limit: mostManifest });
  return text.toString("utf8").split("\n").filter(Boolean);
}

/** Brings an update to the hive: what is there already does not travel, so it goes on after any cut. */
export async function uploadUpdate(client: Client, packed: Packed, sending: Sending): Promise<RemoteStatus> {
  const { manifest, bytes } = packed;
  const { epoch } = manifest;
  const { signal } = sending;
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
    const lacking = manifest.chunks.map(({ digest }) => digest).filter((digest) => !had.has(digest));
    await sendPayload(client, packed, lacking, sending);
  }
  if (isNew) await bring(client, path, bytes, signal);
  const wanted = await wantedBy(client, epoch, signal);
  await sendPayload(client, packed, wanted, sending);
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
