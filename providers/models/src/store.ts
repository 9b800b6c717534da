import { createHash } from "node:crypto";
import { type Blobs, type Files, Lost } from "@skep/kernel";
import { fault } from "./faults.ts";
import { type Chunk, decodeManifest, decodeTable, type Manifest, sha256, signerOf } from "./manifest.ts";
import type { FileName, Found, Model, Models } from "./state.ts";

/** Where a file of a model lies. */
const placeOf = (model: string, file: FileName): string => `models/${model}.${file}`;

/** Tables that are kept in memory after they were read. */
const readMost = 8;

/** The chunks of a model, in order, and by their digests. */
export interface Parts {
  readonly chunks: readonly Chunk[];
  /** Where each chunk begins. */
  readonly starts: readonly number[];
  readonly named: ReadonlyMap<string, number>;
}

/** What stands still below `/models`: small files beside the blobs. */
export class Store {
  readonly #files: Files;
  readonly blobs: Blobs;
  readonly keys: readonly string[];
  /** Chunks that are recorded, and that the disk has not. */
  readonly lost: Lost;
  readonly #read = new Map<string, Promise<Parts>>();
  /** Files that were written, and that no record tells of yet. */
  readonly #open = new Set<string>();

  constructor(files: Files, blobs: Blobs, keys: readonly string[]) {
    this.#files = files;
    this.blobs = blobs;
    this.keys = keys;
    this.lost = new Lost(blobs);
  }

  /** Bytes of a file that state says is here. Throws `models.absent`. */
  async read(model: string, file: FileName): Promise<Buffer> {
    const name = placeOf(model, file);
    const size = await this.#files.size(name);
    if (size === undefined) throw fault.absent(file);
    return Buffer.from(await this.#files.read(name, 0, size));
  }

  async manifest(model: string): Promise<Manifest> {
    const manifest = decodeManifest(await this.read(model, "manifest"));
    if (!manifest) throw fault.absent("manifest");
    return manifest;
  }

  /** Writes a file, durably; nobody else does until it was `settled` or is dropped. Throws `models.order`. */
  async put(model: string, file: FileName, bytes: Uint8Array): Promise<void> {
    const place = placeOf(model, file);
    if (this.#open.has(place)) throw fault.order(file);
    this.#open.add(place);
    try {
      await this.#files.replace(place, bytes);
    } catch (thrown) {
      this.#open.delete(place);
      throw thrown;
    }
    this.#read.delete(model);
  }

  /** A record tells of a file. */
  settled(model: string, file: FileName): void {
    this.#open.delete(placeOf(model, file));
  }

  /** Takes a file away that was written and then refused. */
  async drop(model: string, file: FileName): Promise<void> {
    try {
      await this.remove(model, [file]);
    } finally {
      this.settled(model, file);
    }
  }

  async remove(model: string, files: readonly FileName[]): Promise<void> {
    this.#read.delete(model);
    this.lost.doubt(model);
    for (const file of files)
      if ((await this.#files.size(placeOf(model, file))) !== undefined)
        await this.#files.remove(placeOf(model, file));
  }

  async #parts(model: string): Promise<Parts> {
    const chunks = decodeTable(await this.read(model, "table"), await this.manifest(model));
    const starts: number[] = [];
    let at = 0;
    for (const { bytes } of chunks) {
      starts.push(at);
      at += bytes;
    }
    return { chunks, starts, named: new Map(chunks.map(({ digest, bytes }) => [digest, bytes])) };
  }

  /** The chunks of a model whose table is here. */
  parts(model: string): Promise<Parts> {
    const known = this.#read.get(model);
    if (known) return known;
    const made = this.#parts(model);
    made.catch(() => this.#read.delete(model));
    this.#read.set(model, made);
    if (this.#read.size > readMost) this.#read.delete(this.#read.keys().next().value ?? "");
    return made;
  }
}

/** Distinct chunks of a model that are not here. */
export function missingOf({ named }: Parts, { chunks }: Models): string[] {
  return [...named]
    .filter(([digest, bytes]) => chunks.get(digest)?.bytes !== bytes)
    .map(([digest]) => digest);
}

/** The same, and those that are recorded and that the disk has lost. */
export async function lackingOf(model: string, state: Models, store: Store): Promise<readonly string[]> {
  const parts = await store.parts(model);
  const missing = missingOf(parts, state);
  const { stage } = state.models.get(model) ?? {};
  if (stage !== "pending" && stage !== "ready") return missing;
  return [...new Set([...missing, ...(await store.lost.of(model, parts.named))])];
}

/** Bytes of the weights from an offset on, out of their chunks; fewer than asked at the end of a chunk. */
export async function readParts(
  { chunks, starts }: Parts,
  blobs: Blobs,
  offset: number,
  count: number,
): Promise<Uint8Array> {
  let low = 0;
  let high = chunks.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle;
  }
  const chunk = chunks[low];
  const inside = offset - (starts[low] ?? 0);
  if (!chunk || inside >= chunk.bytes) return new Uint8Array(0);
  return blobs.read(chunk.digest, inside, Math.min(count, chunk.bytes - inside));
}

async function checkWeights(model: string, { chunks }: Parts, blobs: Blobs): Promise<void> {
  const hash = createHash("sha256");
  for (const { digest, bytes } of chunks) hash.update(await blobs.read(digest, 0, bytes));
  if (hash.digest("hex") !== model) throw fault.payload(model);
}

async function checkParts(
  model: string,
  files: Model["files"],
  state: Models,
  store: Store,
): Promise<boolean> {
  const manifest = await store.manifest(model);
  if (files.schema !== undefined && sha256(await store.read(model, "schema")) !== manifest.schema.sha256)
    throw fault.digest("schema");
  if (files.schema === undefined || files.table === undefined) return false;
  const parts = await store.parts(model);
  if (missingOf(parts, state).length > 0) return false;
  await checkWeights(model, parts, store.blobs);
  return true;
}

/** Checks all of a signed model as it lies here: signature, schema, table, chunks, weights. */
export async function check(model: string, state: Models, store: Store): Promise<Found | undefined> {
  const files = state.models.get(model)?.files;
  if (files?.manifest === undefined || files.signature === undefined) return undefined;
  const bytes = await store.read(model, "manifest");
  const { name, serial, base, bytes: size, chunks } = await store.manifest(model);
  const found = { name, serial, base, bytes: size, chunks: chunks.count, key: "", reason: "" };
  try {
    const key = signerOf(bytes, await store.read(model, "signature"), store.keys);
    const whole = await checkParts(model, files, state, store);
    return { ...found, key, stage: whole ? "ready" : "pending" };
  } catch (thrown) {
    const code = (thrown as { readonly code?: unknown }).code;
    if (typeof code !== "string" || !code.startsWith("models.")) throw thrown;
    return { ...found, stage: "quarantined", reason: code };
  }
}
