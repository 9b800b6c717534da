import { createHash } from "node:crypto";
import type { Blobs, Files, Lost } from "@skep/kernel";
import { fault } from "./faults.ts";
import { decodeManifest, type Manifest, sha256, signerOf } from "./manifest.ts";
import type { Found, Updates } from "./state.ts";

/** Where the manifest of an epoch lies. */
export const manifestFile = (epoch: string): string => `updates/${epoch}.manifest`;

/** Manifests that are kept in memory after they were read. */
const readMost = 8;

/** A manifest and its chunks by digest. */
export interface Held {
  readonly manifest: Manifest;
  readonly bytes: Buffer;
  readonly named: ReadonlyMap<string, number>;
}

/** Manifests as they lie on the disk. */
export class Manifests {
  readonly #files: Files;
  readonly #read = new Map<string, Promise<Held | undefined>>();

  constructor(files: Files) {
    this.#files = files;
  }

  async #load(epoch: string): Promise<Held | undefined> {
    const name = manifestFile(epoch);
    const size = await this.#files.size(name);
    if (size === undefined) return undefined;
    const bytes = Buffer.from(await this.#files.read(name, 0, size));
    const manifest = decodeManifest(bytes);
    if (!manifest) return undefined;
    return { manifest, bytes, named: new Map(manifest.chunks.map((each) => [each.digest, each.bytes])) };
  }

  get(epoch: string): Promise<Held | undefined> {
    const known = this.#read.get(epoch);
    if (known) return known;
    const made = this.#load(epoch);
    made.catch(() => this.#read.delete(epoch));
    this.#read.set(epoch, made);
    if (this.#read.size > readMost) this.#read.delete(this.#read.keys().next().value ?? "");
    return made;
  }

  /** Replaces it, durably. */
  async put(epoch: string, bytes: Uint8Array): Promise<void> {
    await this.#files.replace(manifestFile(epoch), bytes);
    this.#read.delete(epoch);
  }

  async remove(epoch: string): Promise<void> {
    this.#read.delete(epoch);
    if ((await this.#files.size(manifestFile(epoch))) !== undefined)
      await this.#files.remove(manifestFile(epoch));
  }
}

/** What checks read. */
export interface Store {
  readonly manifests: Manifests;
  readonly blobs: Blobs;
  readonly keys: readonly string[];
  /** Chunks that are recorded, and that the disk has not. */
  readonly lost: Lost;
}

/** Distinct chunks of a manifest that are not here. */
export function missingOf({ named }: Held, { chunks }: Updates): string[] {
  return [...named]
    .filter(([digest, bytes]) => chunks.get(digest)?.bytes !== bytes)
    .map(([digest]) => digest);
}

/** The same, and those that are recorded and that the disk has lost. */
export async function lackingOf(epoch: string, state: Updates, store: Store): Promise<readonly string[]> {
  const { stage } = state.epochs.get(epoch) ?? {};
  if (stage !== "pending" && stage !== "ready") return [];
  const held = await store.manifests.get(epoch);
  if (!held) return [];
  return [...new Set([...missingOf(held, state), ...(await store.lost.of(epoch, held.named))])];
}

async function addPayload(
  hash: ReturnType<typeof createHash>,
  manifest: Manifest,
  blobs: Blobs,
): Promise<void> {
  for (const { digest, bytes } of manifest.chunks) hash.update(await blobs.read(digest, 0, bytes));
}

/** Throws `updates.base` where a delta has no base that is ready and the one it means. */
export function checkBase({ delta }: Manifest, { epochs }: Updates): void {
  if (!delta) return;
  const base = epochs.get(delta.epoch);
  if (base?.stage !== "ready" || base.base !== "" || base.payloadSha256 !== delta.sha256)
    throw fault.base(delta.epoch);
}

/** Throws `updates.payload` where the chunks put together, behind their base, are something else. */
export async function checkPayload(manifest: Manifest, { manifests, blobs }: Store): Promise<void> {
  const hash = createHash("sha256");
  const base = manifest.delta && (await manifests.get(manifest.delta.epoch));
  if (base) await addPayload(hash, base.manifest, blobs);
  await addPayload(hash, manifest, blobs);
  const found = hash.digest("hex");
  if (found !== manifest.payloadSha256) throw fault.payload(manifest.epoch);
}

/** Checks all of an update as it lies here: signature, chunks, payload. Undefined where there is no manifest. */
export async function check(epoch: string, state: Updates, store: Store): Promise<Found | undefined> {
  const held = await store.manifests.get(epoch);
  if (!held) return undefined;
  const { manifest, bytes } = held;
  const missing = missingOf(held, state).length;
  const found = {
    form: manifest.form,
    manifestBytes: bytes.length,
    manifestSha256: sha256(bytes),
    payloadBytes: manifest.payloadBytes,
    payloadSha256: manifest.payloadSha256,
    chunkBytes: manifest.chunkBytes,
    chunks: manifest.chunks.length,
    missing,
    base: manifest.delta?.epoch ?? "",
    key: "",
    reason: "",
  };
  try {
    const key = signerOf(manifest, store.keys);
    if (missing > 0) return { ...found, key, stage: "pending" };
    checkBase(manifest, state);
    await checkPayload(manifest, store);
    return { ...found, key, stage: "ready" };
  } catch (thrown) {
    const code = (thrown as { readonly code?: unknown }).code;
    if (typeof code !== "string" || !code.startsWith("updates.")) throw thrown;
    return { ...found, stage: "quarantined", reason: code };
  }
}
