import { createHash } from "node:crypto";
import { mkdir, open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { faults } from "@skep/fault";
import type { Client } from "@skep/ninep";
import { openToRead } from "../client/tree.ts";
import { deviceOf, devicePath, type RemoteSegment } from "./device.ts";
import { fetchArtifact, Reference, referenceMime } from "./reference.ts";

const fault = faults("telemetry-pull", {
  digest: ["corrupt", "Cannot pull a segment: its bytes have not the digest that the journal anchors"],
});

/** What a pull did. */
export interface Pulled {
  readonly device: string;
  readonly segments: number;
  /** Bytes that travelled; none where all was there. */
  readonly bytes: number;
  /** Segments whose bytes have the digest of the journal. */
  readonly verified: number;
  readonly artifacts: readonly string[];
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

async function goOn(
  client: Client,
  from: string,
  path: string,
  fresh: boolean,
  signal?: AbortSignal,
): Promise<number> {
  await using remote = await openToRead(client, from, signal);
  await using local = await open(path, fresh ? "w" : "a");
  const { size } = await local.stat();
  let at = size;
  for (;;) {
    const bytes = await remote.read(at, remote.iounit, { signal });
    if (bytes.length === 0) break;
    await local.write(bytes);
    at += bytes.length;
  }
  await local.sync();
  return at - size;
}

async function pullSegment(
  client: Client,
  device: string,
  { id, state, digest }: RemoteSegment,
  path: string,
  signal?: AbortSignal,
): Promise<{ readonly bytes: number; readonly verified: boolean }> {
  const from = devicePath(device, "seg", id);
  const bytes = await goOn(client, from, path, false, signal);
  if (state !== "sealed") return { bytes, verified: false };
  if (sha256(await readFile(path)) === digest) return { bytes, verified: true };
  // What lay here was something else.
  const again = await goOn(client, from, path, true, signal);
  if (sha256(await readFile(path)) !== digest) throw fault.digest(`${device}/${id}`);
  return { bytes: bytes + again, verified: true };
}

/** References to artifacts in the lines of a segment. */
export function referencesIn(text: string): Reference[] {
  return text.split("\n").flatMap((line) => {
    if (!line.includes(referenceMime)) return [];
    const { mime, payload } = JSON.parse(line) as { mime?: unknown; payload?: unknown };
    if (mime !== referenceMime || typeof payload !== "string") return [];
    const read = Reference.safeParse(JSON.parse(payload));
    return read.success ? [read.data] : [];
  });
}

/** Brings all segments of a device into a folder; what is there is gone on with, and checked where it is sealed. */
export async function pullDevice(
  client: Client,
  device: string,
  {
    to,
    artifacts,
    signal,
  }: { readonly to: string; readonly artifacts: boolean; readonly signal?: AbortSignal },
): Promise<Pulled> {
  const dir = join(to, device);
  await mkdir(dir, { recursive: true });
  const { segments } = await deviceOf(client, device, signal);
  const fetched: string[] = [];
  let bytes = 0;
  let verified = 0;
  for (const segment of segments) {
    const path = join(dir, segment.id);
    const done = await pullSegment(client, device, segment, path, signal);
    bytes += done.bytes;
    verified += done.verified ? 1 : 0;
    if (!artifacts || segment.mime === "application/cbor") continue;
    for (const reference of referencesIn(await readFile(path, "utf8"))) {
      const found = await fetchArtifact(client, reference, join(dir, "artifacts"), signal);
      bytes += found.fetched;
      fetched.push(found.path);
    }
  }
  return { device, segments: segments.length, bytes, verified, artifacts: fetched };
}
