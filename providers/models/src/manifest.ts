import { createHash, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { canonicalUtf8 } from "@skep/canon";
import type { Json } from "@skep/kernel";
import { z } from "zod";
import { fault } from "./faults.ts";

/** Bytes of a manifest, and of the file `schema`, at most. */
export const mostSmall: number = 64 * 1024;
/** Longest chunk. */
export const mostChunkBytes: number = 1024 * 1024;
/** Bytes of a signature. */
export const signatureBytes = 64;

/** SHA-256 in hex. */
export const digestForm: RegExp = /^[0-9a-f]{64}$/;
/** What a model's name looks like. */
export const nameForm: RegExp = /^(?![0-9a-f]{64}$)\w[\w.-]{0,63}$/;

const digest = z.string().regex(digestForm);
const said = z.string().regex(/^[\x20-\x7e]{0,256}$/);

const Manifest = z.strictObject({
  type: z.literal("skep-model/v1"),
  name: z.string().regex(nameForm),
  /** Grows with each release of a name. */
  serial: z.int().min(1),
  /** SHA-256 of the weights: the name of the model's directory. */
  model: digest,
  /** Bytes of the weights. */
  bytes: z.int().min(1),
  /** Rows of the table of chunks, and the SHA-256 of its bytes. */
  chunks: z.strictObject({ count: z.int().min(1), sha256: digest }),
  /** The file `schema`: what the weights are, for whoever loads them. */
  schema: z.strictObject({ bytes: z.int().min(1).max(mostSmall), sha256: digest }),
  /** Name of the model that an adapter is for; empty for a whole model. */
  base: z.string().regex(/^(?:\w[\w.-]{0,63})?$/),
  /** Where it comes from: the training job, digests of what it was trained on. */
  provenance: z
    .record(z.string().regex(/^[a-z][a-z0-9_]{0,63}$/), said)
    .refine((all) => Object.keys(all).length <= 32, "at most 32 members"),
});

/** What a model consists of and where it comes from; signed as RFC 8785 writes it. */
export type Manifest = z.output<typeof Manifest>;

/** A part of the weights. */
export interface Chunk {
  /** SHA-256, hex. */
  readonly digest: string;
  readonly bytes: number;
}

const row = 36;

/** Bytes of a manifest. */
export function encodeManifest(manifest: Manifest): Buffer {
  return Buffer.from(canonicalUtf8(manifest as unknown as Json));
}

function parsed(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

/** Reads a manifest; undefined while it is no whole JSON text. Throws `models.manifest`. */
export function decodeManifest(bytes: Uint8Array): Manifest | undefined {
  const raw = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (raw.length > 0 && raw[0] !== 0x7b) throw fault.manifest("it is no JSON object");
  const found = parsed(raw.toString("utf8"));
  if (!found) return undefined;
  const { success, data } = Manifest.safeParse(found.value);
  if (!success) throw fault.manifest("a member is missing, unknown or of another type");
  // Written another way it would have another digest and the same meaning.
  if (!encodeManifest(data).equals(raw)) throw fault.manifest("it is not canonical (RFC 8785)");
  if (data.base === data.name) throw fault.manifest("it is its own base");
  return data;
}

/** The table of chunks: for each its digest and its length, 36 bytes. */
export function encodeTable(chunks: readonly Chunk[]): Buffer {
  const table = Buffer.alloc(chunks.length * row);
  for (const [at, { digest: name, bytes }] of chunks.entries()) {
    table.write(name, at * row, "hex");
    table.writeUInt32BE(bytes, at * row + 32);
  }
  return table;
}

/** Bytes of a manifest's table. */
export const tableBytes = ({ chunks }: Manifest): number => chunks.count * row;

/** Reads the table that a manifest means. Throws `models.digest`, `models.table`. */
export function decodeTable(bytes: Uint8Array, manifest: Manifest): Chunk[] {
  if (sha256(bytes) !== manifest.chunks.sha256) throw fault.digest("table");
  const raw = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (raw.length !== tableBytes(manifest)) throw fault.table(`${raw.length} bytes`);
  const chunks = Array.from({ length: manifest.chunks.count }, (_, at) => ({
    digest: raw.toString("hex", at * row, at * row + 32),
    bytes: raw.readUInt32BE(at * row + 32),
  }));
  if (chunks.some(({ bytes: each }) => each === 0 || each > mostChunkBytes))
    throw fault.table("a chunk is empty or too long");
  const sizes = new Map<string, number>();
  for (const { digest: name, bytes: each } of chunks) {
    if ((sizes.get(name) ?? each) !== each) throw fault.table("one chunk has two lengths");
    sizes.set(name, each);
  }
  const sum = chunks.reduce((all, { bytes: each }) => all + each, 0);
  if (sum !== manifest.bytes) throw fault.table("its chunks are not as long as the weights");
  return chunks;
}

/** The signature of a manifest's bytes. */
export function signManifest(bytes: Uint8Array, key: KeyObject): Buffer {
  return sign(null, bytes, key);
}

function publicKeyOf(key: string): KeyObject {
  const x = Buffer.from(key, "hex").toString("base64url");
  return createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
}

/** The key, of these in hex, that signed a manifest's bytes. Throws `models.signature`. */
export function signerOf(manifest: Uint8Array, signature: Uint8Array, keys: readonly string[]): string {
  const fits = signature.length === signatureBytes;
  const found = keys.find((key) => fits && verify(null, manifest, publicKeyOf(key), signature));
  if (found === undefined) throw fault.signature();
  return found;
}

/** SHA-256 in hex. */
export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
