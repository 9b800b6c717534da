import type { Awaitable, BlobHandle, Scene, Pieces } from "@skep/kernel";
import { checkBase, checkPayload, missingOf, type Store } from "./check.ts";
import { fault } from "./faults.ts";
import { decodeManifest, fixedBytes, mostChunkBytes, sha256, signerOf } from "./manifest.ts";
import type { Updates } from "./state.ts";

/** How much is taken. */
export interface Limits {
  /** Updates that are kept. */
  readonly updates: number;
  /** Chunks of all of them. */
  readonly chunks: number;
  /** Bytes of a manifest. */
  readonly manifestBytes: number;
}

/** What files of an update work on. */
export interface Desk extends Store {
  readonly pieces: Pieces;
  readonly limits: Limits;
  /** Told of what was not taken, for the count and the log. */
  readonly quarantine: (epoch: string, name: string, reason: string) => void;
}

export type At = Scene<Updates>;

const keyOf = ({ path, caller }: At): string => `${caller.session} ${path}`;

/** Chunks of the fixed form that may come before their manifest. */
export const mostEarly = 16_384;

type Place = Pick<At, "state" | "params">;

/** Throws `updates.many` where there is no room for another update. */
export function checkRoom({ state, params }: Place, limits: Limits): void {
  const { epoch = "" } = params;
  if (!state.epochs.has(epoch) && state.epochs.size >= limits.updates)
    throw fault.many(`${limits.updates} updates`);
}

/** Throws `updates.{first,fixed,many}` where a chunk may not come now. */
export function checkChunk(bytes: number, at: Place, limits: Limits): void {
  const { epoch = "", digest = "" } = at.params;
  checkRoom(at, limits);
  const update = at.state.epochs.get(epoch);
  const early = update === undefined || update.stage === "chunks";
  if (early && bytes !== fixedBytes) throw fault.first(digest);
  if (early && (update?.early ?? 0) >= mostEarly) throw fault.many(`${mostEarly} chunks before a manifest`);
  if (!early && update.stage !== "pending") throw fault.fixed(epoch);
  if (at.state.chunks.size >= limits.chunks) throw fault.many(`${limits.chunks} chunks`);
}

/** A chunk: read where it is complete, appended in pieces where it is not. */
export class ChunkFile implements BlobHandle {
  readonly #at: At;
  readonly #desk: Desk;
  readonly #named: number | undefined;
  readonly #known: number | undefined;

  /** `named`: its bytes by the manifest, where one names it; `known`: its bytes, where it is here. */
  constructor(
    at: At,
    desk: Desk,
    { named, known }: { named: number | undefined; known: number | undefined },
  ) {
    this.#at = at;
    this.#desk = desk;
    this.#named = named;
    this.#known = known;
  }

  #size = 0;

  get size(): number {
    return this.#size || (this.#known ?? 0);
  }

  async read(offset: number, count: number): Promise<Uint8Array> {
    const { epoch = "", digest = "" } = this.#at.params;
    if (this.#known === undefined) throw fault.absent(digest);
    try {
      return await this.#desk.blobs.read(digest, offset, count);
    } catch (thrown) {
      if ((thrown as { readonly code?: unknown }).code !== "blob.absent") throw thrown;
      this.#desk.lost.doubt(epoch);
      throw fault.damaged(digest, { cause: thrown });
    }
  }

  async append(bytes: Uint8Array): Promise<boolean> {
    const { epoch = "", digest = "" } = this.#at.params;
    const { pieces, blobs, quarantine } = this.#desk;
    if (this.#at.state.chunks.has(digest)) return this.#again(bytes);
    const stage = this.#at.state.epochs.get(epoch)?.stage ?? "chunks";
    if (stage !== "chunks" && this.#named === undefined) throw fault.foreign(digest);
    const most = this.#named ?? (stage === "chunks" ? fixedBytes : mostChunkBytes);
    const key = keyOf(this.#at);
    if (this.#named === undefined && bytes.length + pieces.size(key) > most) {
      pieces.drop(key);
      throw fault.first(digest);
    }
    const all = pieces.add(key, bytes);
    if (all.length < most) return false;
    pieces.drop(key);
    if (all.length > most || sha256(all) !== digest) {
      quarantine(epoch, digest, "updates.chunk");
      throw fault.chunk(digest);
    }
    // Before it is stored: what is refused then would be nobody's.
    checkChunk(all.length, this.#at, this.#desk.limits);
    await blobs.put(all);
    this.#size = all.length;
    return true;
  }

  // The original's tool sends a chunk as often as its manifest names it, and all of them again after a cut.
  async #again(bytes: Uint8Array): Promise<boolean> {
    const { digest = "" } = this.#at.params;
    const { pieces, blobs, lost } = this.#desk;
    const size = this.#at.state.chunks.get(digest)?.bytes ?? 0;
    const all = pieces.add(keyOf(this.#at), bytes);
    if (await lost.has(digest, size)) return this.#heal(all, size);
    const known = all.length <= size ? await blobs.read(digest, 0, all.length) : undefined;
    if (!known || !all.equals(known)) {
      pieces.drop(keyOf(this.#at));
      throw fault.complete(digest);
    }
    if (all.length === size) pieces.drop(keyOf(this.#at));
    return false;
  }

  // It is recorded already, and only the disk has lost it.
  async #heal(all: Buffer, size: number): Promise<false> {
    const { epoch = "", digest = "" } = this.#at.params;
    const { pieces, blobs, quarantine } = this.#desk;
    if (all.length < size) return false;
    pieces.drop(keyOf(this.#at));
    if (all.length > size || sha256(all) !== digest) {
      quarantine(epoch, digest, "updates.chunk");
      throw fault.chunk(digest);
    }
    await blobs.put(all);
    return false;
  }

  close(): void {
    // Pieces stay for the next append of the session.
  }
}

/** A manifest: taken when it is whole, and signed by a release key. */
export class ManifestFile implements BlobHandle {
  readonly #at: At;
  readonly #desk: Desk;
  readonly #known: Uint8Array | undefined;
  #size = 0;

  constructor(at: At, desk: Desk, known: Uint8Array | undefined) {
    this.#at = at;
    this.#desk = desk;
    this.#known = known;
  }

  get size(): number {
    return this.#size || (this.#known?.length ?? 0);
  }

  read(offset: number, count: number): Awaitable<Uint8Array> {
    if (!this.#known) throw fault.absent(this.#at.params.epoch);
    return this.#known.subarray(offset, offset + count);
  }

  async append(bytes: Uint8Array): Promise<boolean> {
    const { epoch = "" } = this.#at.params;
    const { pieces, limits, manifests, quarantine } = this.#desk;
    const stage = this.#at.state.epochs.get(epoch)?.stage ?? "chunks";
    const key = keyOf(this.#at);
    const all = pieces.add(key, bytes);
    if (stage !== "chunks") return this.#again(all);
    try {
      if (all.length > limits.manifestBytes) throw fault.long(`over ${limits.manifestBytes} bytes`);
      if (!(await this.#check(all, epoch))) return false;
    } catch (thrown) {
      pieces.drop(key);
      const { code } = thrown as { readonly code?: string };
      // What only has to wait for something else is not bad.
      if (code !== "updates.lacks" && code !== "updates.base") quarantine(epoch, "manifest", code ?? "");
      throw thrown;
    }
    pieces.drop(key);
    await manifests.put(epoch, all);
    this.#size = all.length;
    return true;
  }

  #again(all: Buffer): false {
    const known = this.#known ?? Buffer.alloc(0);
    const same = all.length <= known.length && all.equals(known.subarray(0, all.length));
    if (!same || all.length === known.length) this.#desk.pieces.drop(keyOf(this.#at));
    if (!same) throw fault.fixed(this.#at.params.epoch);
    return false;
  }

  async #check(bytes: Buffer, epoch: string): Promise<boolean> {
    const manifest = decodeManifest(bytes);
    if (!manifest) return false;
    const { state } = this.#at;
    if (manifest.epoch !== epoch) throw fault.epoch(`${manifest.epoch} in ${epoch}`);
    if (manifest.chunks.length > this.#desk.limits.chunks) throw fault.many(manifest.chunks.length);
    signerOf(manifest, this.#desk.keys);
    checkBase(manifest, state);
    if (manifest.form === "content") return true;
    const named = new Map(manifest.chunks.map((each) => [each.digest, each.bytes]));
    const missing = missingOf({ manifest, bytes, named }, state);
    if (missing.length > 0) throw fault.lacks(`${missing.length} are missing`);
    await checkPayload(manifest, this.#desk);
    return true;
  }

  close(): void {
    // Pieces stay for the next append of the session.
  }
}

/** Bytes of a chunk that an update may show: it came under it, or its manifest names it. */
export async function chunkOf(
  { state, params }: At,
  { manifests }: Pick<Desk, "manifests">,
): Promise<{ readonly named: number | undefined; readonly known: number | undefined }> {
  const { epoch = "", digest = "" } = params;
  const update = state.epochs.get(epoch);
  const stored = state.chunks.get(digest);
  const held = update && update.stage !== "chunks" ? await manifests.get(epoch) : undefined;
  const named = held?.named.get(digest);
  const open = named !== undefined || (update?.stage === "chunks" && stored?.epoch === epoch);
  return { named, known: open ? stored?.bytes : undefined };
}
