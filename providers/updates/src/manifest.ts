import { createHash, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { decodeItem, encodeItem, type Item } from "./cbor.ts";
import { fault } from "./faults.ts";

/** A part of a payload. */
export interface Chunk {
  /** SHA-256, hex. */
  readonly digest: string;
  readonly bytes: number;
}

/** What a release consists of. */
export interface Manifest {
  /** `fixed`: the original's, chunks of one size. `content`: chunks cut where the content says. */
  readonly form: "fixed" | "content";
  /** 1 to 20 digits. */
  readonly epoch: string;
  /** Of each chunk in the fixed form; the average in the other. */
  readonly chunkBytes: number;
  /** Without the base of a delta. */
  readonly payloadBytes: number;
  /** SHA-256, hex: of the payload, with its base before it where it is a delta. */
  readonly payloadSha256: string;
  readonly chunks: readonly Chunk[];
  /** An epoch that stands before these bytes; in the fixed form only. */
  readonly delta: { readonly epoch: string; readonly sha256: string } | null;
  /** Ed25519 over the same manifest with null in its place. */
  readonly signature: Uint8Array | null;
}

/** Names of the two forms, as the manifest's first member has them. */
export const schemas = { fixed: "cohesix-cas/manifest-v1", content: "skep-update/manifest-v1" } as const;

/** Bytes of a chunk of the fixed form. */
export const fixedBytes = 128;
/** Longest chunk of the other form. */
export const mostChunkBytes = 1024 * 1024;

/** What an epoch is named like. */
export const epochForm: RegExp = /^\d{1,20}$/;

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const row = 36;

function tableOf({ form, chunks }: Manifest): Item {
  if (form === "fixed") return chunks.map(({ digest }) => Buffer.from(digest, "hex"));
  const table = Buffer.alloc(chunks.length * row);
  for (const [at, { digest, bytes }] of chunks.entries()) {
    table.write(digest, at * row, "hex");
    table.writeUInt32BE(bytes, at * row + 32);
  }
  return table;
}

/** Bytes of a manifest. */
export function encodeManifest(manifest: Manifest): Buffer {
  const { form, epoch, chunkBytes, payloadBytes, payloadSha256, delta, signature } = manifest;
  return encodeItem([
    schemas[form],
    epoch,
    chunkBytes,
    payloadBytes,
    Buffer.from(payloadSha256, "hex"),
    tableOf(manifest),
    delta && [delta.epoch, Buffer.from(delta.sha256, "hex")],
    signature,
  ]);
}

const isBytes = (item: Item | undefined, length: number): item is Uint8Array =>
  item instanceof Uint8Array && item.length === length;

function fixedChunks(table: Item | undefined): Chunk[] {
  if (!Array.isArray(table)) throw fault.manifest("its chunks are no list");
  return (table as readonly Item[]).map((digest) => {
    if (!isBytes(digest, 32)) throw fault.manifest("a digest has not 32 bytes");
    return { digest: hex(digest), bytes: fixedBytes };
  });
}

function contentChunks(table: Item | undefined): Chunk[] {
  if (!(table instanceof Uint8Array) || table.length % row !== 0)
    throw fault.manifest("its table of chunks is cut off");
  const rows = Buffer.from(table.buffer, table.byteOffset, table.length);
  return Array.from({ length: rows.length / row }, (_, at) => {
    const bytes = rows.readUInt32BE(at * row + 32);
    if (bytes === 0 || bytes > mostChunkBytes) throw fault.manifest("a chunk is empty or too long");
    return { digest: rows.toString("hex", at * row, at * row + 32), bytes };
  });
}

function deltaOf(item: Item | undefined): Manifest["delta"] {
  if (item === null) return null;
  const [epoch, sha256] = Array.isArray(item) && item.length === 2 ? (item as readonly Item[]) : [];
  if (typeof epoch !== "string" || !epochForm.test(epoch) || !isBytes(sha256, 32))
    throw fault.manifest("its base is none");
  return { epoch, sha256: hex(sha256) };
}

type Members = Readonly<
  Record<"epoch" | "chunkBytes" | "payloadBytes" | "sha256" | "signature", Item | undefined>
>;

function checkMembers({ epoch, chunkBytes, payloadBytes, sha256: digest, signature = null }: Members) {
  if (typeof epoch !== "string" || !epochForm.test(epoch)) throw fault.manifest("its epoch is none");
  if (typeof chunkBytes !== "number" || typeof payloadBytes !== "number" || !isBytes(digest, 32))
    throw fault.manifest("a member has another type");
  if (signature !== null && !isBytes(signature, 64)) throw fault.manifest("its signature is none");
  return { epoch, chunkBytes, payloadBytes, payloadSha256: hex(digest), signature };
}

/** Reads a manifest; undefined while bytes are missing. Throws `updates.manifest`. The signature is not checked. */
export function decodeManifest(bytes: Uint8Array): Manifest | undefined {
  const read = decodeItem(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  if (read === "short") return undefined;
  if (read === "foreign") throw fault.manifest("it is no canonical CBOR array");
  const list = Array.isArray(read.item) ? (read.item as readonly Item[]) : [];
  const [schema, epoch, chunkBytes, payloadBytes, digest, table, delta, signature] = list;
  const form = schema === schemas.fixed ? "fixed" : "content";
  if (list.length !== 8 || schema !== schemas[form]) throw fault.manifest("its schema is unknown");
  const members = checkMembers({ epoch, chunkBytes, payloadBytes, sha256: digest, signature });
  if (form === "fixed" && members.chunkBytes !== fixedBytes)
    throw fault.manifest(`its chunks have not ${fixedBytes} bytes`);
  const chunks = form === "fixed" ? fixedChunks(table) : contentChunks(table);
  const sum = chunks.reduce((all, { bytes: each }) => all + each, 0);
  if (sum !== payloadBytes) throw fault.manifest("its chunks are not as long as its payload");
  const base = deltaOf(delta);
  if (base && form === "content") throw fault.manifest("its form has no base");
  return { form, ...members, chunks, delta: base };
}

/** A manifest with the signature of a private Ed25519 key. */
export function signManifest(manifest: Manifest, key: KeyObject): Manifest {
  const bytes = encodeManifest({ ...manifest, signature: null });
  return { ...manifest, signature: sign(null, bytes, key) };
}

/** A public Ed25519 key from its 32 bytes in hex. */
export function publicKeyOf(key: string): KeyObject {
  const x = Buffer.from(key, "hex").toString("base64url");
  return createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
}

/** The key, of these in hex, that signed a manifest. Throws `updates.{unsigned,signature}`. */
export function signerOf(manifest: Manifest, keys: readonly string[]): string {
  const { signature } = manifest;
  if (!signature) throw fault.unsigned(manifest.epoch);
  const bytes = encodeManifest({ ...manifest, signature: null });
  const found = keys.find((key) => verify(null, bytes, publicKeyOf(key), signature));
  if (found === undefined) throw fault.signature(manifest.epoch);
  return found;
}

/** SHA-256 in hex. */
export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
