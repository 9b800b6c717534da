import { createHash, createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { open, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Chunker, standardSizes } from "@skep/chunks";
import {
  type Chunk,
  decodeManifest,
  encodeManifest,
  epochForm,
  fixedBytes,
  type Manifest,
  signerOf,
  signManifest,
} from "@skep/provider-updates";
import { fault } from "./faults.ts";

const pieceBytes = 1024 * 1024;
const digestOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** A packed update: a folder with `manifest.cbor` and `payload`. */
export interface Packed {
  readonly manifest: Manifest;
  /** As it was signed. */
  readonly bytes: Buffer;
  readonly payload: string;
}

/** A release key from a PEM file. Throws `update.key`. */
export async function readKey(path: string): Promise<KeyObject> {
  const text = await readFile(path);
  try {
    const key = createPrivateKey(text);
    if (key.asymmetricKeyType === "ed25519") return key;
  } catch (cause) {
    throw fault.key(path, { cause });
  }
  throw fault.key(path);
}

/** The public half, 64 hex digits. */
export function publicHex(key: KeyObject): string {
  return Buffer.from(createPublicKey(key).export({ format: "jwk" }).x ?? "", "base64url").toString("hex");
}

function* fixedParts(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += fixedBytes) yield bytes.subarray(at, at + fixedBytes);
}

/** Packs a file: cuts, signs, and copies it beside its manifest. Throws `update.{epoch,length}`. */
export async function pack(
  file: string,
  { epoch, key, to, fixed }: { epoch: string; key: KeyObject; to: string; fixed: boolean },
): Promise<Packed> {
  if (!epochForm.test(epoch)) throw fault.epoch(epoch);
  await mkdir(to, { recursive: true });
  const payload = join(to, "payload");
  const whole = createHash("sha256");
  const chunker = new Chunker();
  const chunks: Chunk[] = [];
  const take = (parts: Iterable<Uint8Array>): void => {
    for (const part of parts) chunks.push({ digest: digestOf(part), bytes: part.length });
  };
  let bytes = 0;
  await using from = await open(file, "r");
  await using into = await open(payload, "w");
  const { size } = await from.stat();
  if (fixed && (size === 0 || size % fixedBytes !== 0)) throw fault.length(`${size} bytes`);
  for (let at = 0; ; ) {
    // The chunker keeps what it was given.
    const { buffer, bytesRead } = await from.read(Buffer.alloc(pieceBytes), 0, pieceBytes, at);
    if (bytesRead === 0) break;
    at += bytesRead;
    const piece = buffer.subarray(0, bytesRead);
    whole.update(piece);
    bytes += bytesRead;
    take(fixed ? fixedParts(piece) : chunker.push(piece));
    await into.writeFile(piece);
  }
  take(chunker.end());
  await into.sync();
  const manifest = signManifest(
    {
      form: fixed ? "fixed" : "content",
      epoch,
      chunkBytes: fixed ? fixedBytes : standardSizes.average,
      payloadBytes: bytes,
      payloadSha256: whole.digest("hex"),
      ...{ chunks, delta: null, signature: null },
    },
    key,
  );
  const encoded = encodeManifest(manifest);
  await writeFile(join(to, "manifest.cbor"), encoded);
  return { manifest, bytes: encoded, payload };
}

/** Reads what was packed. Throws `update.folder`, `updates.manifest`. */
export async function readPacked(dir: string): Promise<Packed> {
  const bytes = await readFile(join(dir, "manifest.cbor")).catch((cause) => {
    throw fault.folder(dir, { cause });
  });
  const manifest = decodeManifest(bytes);
  if (!manifest) throw fault.folder(dir);
  return { manifest, bytes, payload: join(dir, "payload") };
}

/** Checks a payload against its manifest, chunk by chunk and as a whole. Throws `update.payload`. */
export async function checkPayload({ manifest }: Pick<Packed, "manifest">, path: string): Promise<void> {
  await using file = await open(path, "r");
  const whole = createHash("sha256");
  let at = 0;
  for (const { digest, bytes } of manifest.chunks) {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, at);
    if (bytesRead < bytes || digestOf(buffer) !== digest) throw fault.payload(`at byte ${at}`);
    whole.update(buffer);
    at += bytes;
  }
  const { size } = await file.stat();
  if (size !== manifest.payloadBytes || whole.digest("hex") !== manifest.payloadSha256)
    throw fault.payload(path);
}

/** Checks signature and payload; gives the key that signed. Throws `updates.*`, `update.payload`. */
export async function verifyPacked(packed: Packed, keys: readonly string[]): Promise<string> {
  const key = signerOf(packed.manifest, keys);
  await checkPayload(packed, packed.payload);
  return key;
}
