import type { Awaitable, BlobHandle, Scene, Pieces } from "@skep/kernel";
import { fault } from "./faults.ts";
import {
  decodeManifest,
  decodeTable,
  mostChunkBytes,
  mostSmall,
  sha256,
  signatureBytes,
  signerOf,
  tableBytes,
} from "./manifest.ts";
import type { FileName, Model, Models } from "./state.ts";
import { type Parts, readParts, type Store } from "./store.ts";

/** How much is taken. */
export interface Limits {
  /** Models that are kept. */
  readonly models: number;
  /** Chunks of all of them. */
  readonly chunks: number;
  /** Bytes of the weights of one. */
  readonly bytes: number;
}

/** Views of other slices. */
export interface Uses {
  /** Models that bridges published. */
  readonly bridged: {
    ids(): Iterable<string>;
    /** Undefined where none did. */
    manifest(id: string): string | undefined;
  };
}

/** What files of a model work on. */
export interface Desk {
  readonly store: Store;
  readonly pieces: Pieces;
  readonly limits: Limits;
  /** Told of what was not taken, for the count and the log. */
  readonly quarantine: (model: string, file: string, reason: string) => void;
}

export type At = Scene<Models, Uses>;

/** Weights that are appended whole and not in chunks, bytes at most. */
const mostWhole = mostChunkBytes;

const keyOf = ({ path, caller }: At): string => `${caller.session} ${path}`;
const idOf = ({ params }: At): string => params.model ?? "";
const modelOf = (at: At): Model | undefined => at.state.models.get(idOf(at));

/** A file of a model. */
interface Part {
  readonly name: string;
  /** Bytes of it where it is here; 0 where it is not. */
  readonly known: number;
  /** Throws where nothing may be appended now. */
  admit(): Awaitable<void>;
  /** Whether these bytes are all of it; stored then. Throws for what can become none. */
  take(all: Buffer): Promise<boolean>;
  read(offset: number, count: number): Awaitable<Uint8Array>;
  /** Whether what was taken is recorded already, and only the disk had lost it. */
  healed?(): boolean;
  /** Told where it was stored, and the gate refused it all the same. */
  refused?(): void;
}

/** A file of a model that was opened: read where it is here, appended in pieces where it is not. */
export class ModelFile implements BlobHandle {
  readonly #at: At;
  readonly #desk: Desk;
  readonly #part: Part;
  #size = 0;

  constructor(at: At, desk: Desk, part: Part) {
    this.#at = at;
    this.#desk = desk;
    this.#part = part;
  }

  get size(): number {
    return this.#size || this.#part.known;
  }

  read(offset: number, count: number): Awaitable<Uint8Array> {
    if (this.#part.known === 0) throw fault.absent(this.#part.name);
    return this.#part.read(offset, count);
  }

  async append(bytes: Uint8Array): Promise<boolean> {
    await this.#part.admit();
    const { pieces, quarantine } = this.#desk;
    const key = keyOf(this.#at);
    const all = pieces.add(key, bytes);
    try {
      if (!(await this.#part.take(all))) return false;
    } catch (thrown) {
      pieces.drop(key);
      quarantine(idOf(this.#at), this.#part.name, (thrown as { readonly code?: string }).code ?? "");
      throw thrown;
    }
    pieces.drop(key);
    this.#size = all.length;
    return this.#part.healed?.() !== true;
  }

  refused(): void {
    this.#part.refused?.();
  }

  close(): void {
    // Pieces stay for the next append of the session.
  }
}

type Taker = (
  all: Buffer,
  file: { readonly model: string; readonly at: At; readonly desk: Desk },
) => Promise<boolean>;

/** Throws `models.replay` where a name has this release or a newer one. */
export function checkSerial(
  { names }: Models,
  { name, serial, model }: { readonly name: string; readonly serial: number; readonly model: string },
): void {
  const known = names.get(name);
  // What was retired comes back as what it was.
  const again = known?.serial === serial && ["", model].includes(known.model);
  if (known && known.serial >= serial && !again)
    throw fault.replay(`${name} ${serial}, and ${known.serial} is here`);
}

const takers: { readonly [F in Exclude<FileName, "weights">]: Taker } = {
  manifest: async (all, { model, at, desk: { limits } }) => {
    if (all.length > mostSmall) throw fault.long(`over ${mostSmall} bytes`);
    const manifest = decodeManifest(all);
    if (!manifest) return false;
    if (manifest.model !== model) throw fault.other(`${manifest.model} in ${model}`);
    if (manifest.bytes > limits.bytes) throw fault.long(`weights of over ${limits.bytes} bytes`);
    if (manifest.chunks.count > limits.chunks) throw fault.many(`${limits.chunks} chunks`);
    checkSerial(at.state, manifest);
    return true;
  },
  signature: async (all, { model, at, desk: { store } }) => {
    if (modelOf(at)?.files.manifest === undefined) {
      if (all.length > 1024) throw fault.long("over 1024 bytes");
      return true;
    }
    if (all.length < signatureBytes) return false;
    signerOf(await store.read(model, "manifest"), all, store.keys);
    return true;
  },
  table: async (all, { model, desk: { store } }) => {
    const manifest = await store.manifest(model);
    if (all.length < tableBytes(manifest)) return false;
    decodeTable(all, manifest);
    return true;
  },
  schema: async (all, { model, at, desk: { store } }) => {
    if (all.length > mostSmall) throw fault.long(`over ${mostSmall} bytes`);
    if (modelOf(at)?.files.manifest === undefined) return true;
    const { schema } = await store.manifest(model);
    if (all.length < schema.bytes) return false;
    if (sha256(all) !== schema.sha256) throw fault.digest("schema");
    return true;
  },
};

/** What may come when. A signed model begins with its manifest; the original's has none. */
function mayCome(model: Model | undefined, file: FileName): boolean {
  if (file === "manifest") return model === undefined;
  if (file === "signature") return model?.files.manifest === undefined || model.stage === "unsigned";
  if (file === "weights") return model?.files.manifest === undefined;
  if (file === "schema") return model?.files.manifest === undefined || model.stage === "pending";
  return model?.stage === "pending";
}

/** Throws `models.{fixed,many,order}` where a file may not come now. */
export function checkOrder({ models }: Models, id: string, file: FileName, limits: Limits): void {
  const model = models.get(id);
  if (!model && models.size >= limits.models) throw fault.many(`${limits.models} models`);
  if (model?.files[file] !== undefined) throw fault.fixed(file);
  if (!mayCome(model, file)) throw fault.order(file);
}

type SmallName = Exclude<FileName, "weights">;

/** The manifest, the signature, the table or the schema; `bytes` where it is here. */
export function smallFile(at: At, desk: Desk, name: SmallName, bytes: Buffer | undefined): ModelFile {
  const model = idOf(at);
  const admit = (): void => checkOrder(at.state, model, name, desk.limits);
  return new ModelFile(at, desk, {
    name,
    known: bytes?.length ?? 0,
    admit,
    take: async (all) => {
      if (!(await takers[name](all, { model, at, desk }))) return false;
      // Another may have brought it meanwhile: what was decided about is not written over.
      admit();
      await desk.store.put(model, name, all);
      return true;
    },
    refused: () => void desk.store.drop(model, name).catch(() => undefined),
    read: (offset, count) => bytes?.subarray(offset, offset + count) ?? new Uint8Array(0),
  });
}

/** The weights: read out of their chunks where there are `parts`, else as they were appended whole. */
export function weightsFile(at: At, desk: Desk, parts: Parts | undefined): ModelFile {
  const { blobs } = desk.store;
  const before = modelOf(at);
  return new ModelFile(at, desk, {
    name: "weights",
    known: parts || before?.files.weights !== undefined ? (before?.bytes ?? 0) : 0,
    admit: () => {
      if (modelOf(at)?.stage === "ready") throw fault.fixed("weights");
      checkOrder(at.state, idOf(at), "weights", desk.limits);
    },
    take: async (all) => {
      if (all.length > mostWhole) throw fault.long(`over ${mostWhole} bytes: bring it in chunks`);
      // Where it ends only its digest tells.
      if (sha256(all) !== idOf(at)) return false;
      await blobs.put(all);
      return true;
    },
    read: (offset, count) =>
      parts
        ? readStored(at, desk, () => readParts(parts, blobs, offset, count))
        : blobs.read(idOf(at), offset, count),
  });
}

/** Throws `models.damaged` for a chunk that the disk has lost. */
async function readStored(at: At, { store }: Desk, read: () => Promise<Uint8Array>): Promise<Uint8Array> {
  try {
    return await read();
  } catch (thrown) {
    if ((thrown as { readonly code?: unknown }).code !== "blob.absent") throw thrown;
    store.lost.doubt(idOf(at));
    throw fault.damaged(modelOf(at)?.name, { cause: thrown });
  }
}

/** Throws `models.{fixed,many}` where a chunk may not come now. */
export function checkChunk({ state, params }: Pick<At, "state" | "params">, limits: Limits): void {
  const { model = "", digest = "" } = params;
  const isOpen = state.models.get(model)?.stage === "pending";
  if (!isOpen || state.chunks.has(digest)) throw fault.fixed(digest);
  if (state.chunks.size >= limits.chunks) throw fault.many(`${limits.chunks} chunks`);
}

/** A chunk; `named` is its length by the table, where that names it. */
export function chunkFile(at: At, desk: Desk, named: number | undefined): ModelFile {
  const { digest = "" } = at.params;
  const { blobs, lost } = desk.store;
  const known = named === undefined ? 0 : (at.state.chunks.get(digest)?.bytes ?? 0);
  let heals = false;
  return new ModelFile(at, desk, {
    name: digest,
    known,
    admit: async () => {
      const model = modelOf(at);
      if (model?.files.table === undefined) throw fault.order(digest);
      if (named === undefined) throw fault.foreign(digest);
      heals = known === named && (await lost.has(digest, named));
      if (!heals) checkChunk(at, desk.limits);
    },
    take: async (all) => {
      if (all.length < (named ?? 0)) return false;
      if (all.length !== named || sha256(all) !== digest) throw fault.digest(digest);
      await blobs.put(all);
      return true;
    },
    healed: () => heals,
    read: (offset, count) => readStored(at, desk, () => blobs.read(digest, offset, count)),
  });
}
