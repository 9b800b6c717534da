import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Chunker, standardSizes } from "@skep/chunks";
import {
  decodeManifest,
  encodeManifest,
  epochForm,
  fixedBytes,
  type Manifest,
  signerOf,
  signManifest,
} from "@skep/provider-updates";
import { checkFile, type Cutter, cutFile } from "../chunked/file.ts";
import { fault } from "./faults.ts";

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

/** The original's cut; what it is given is a whole number of chunks, but for the end. */
const fixedCutter: Cutter = {
  *push(bytes) {
    for (let at = 0; at < bytes.length; at += fixedBytes) yield bytes.subarray(at, at + fixedBytes);
  },
  end: () => [],
};

/** Packs a file: cuts, signs, and copies it beside its manifest. Throws `update.{epoch,length}`. */
export async function pack(
  file: string,
  { epoch, key, to, fixed }: { epoch: string; key: KeyObject; to: string; fixed: boolean },
): Promise<Packed> {
  if (!epochForm.test(epoch)) throw fault.epoch(epoch);
  await mkdir(to, { recursive: true });
  const payload = join(to, "payload");
  if (fixed) {
    const { size } = await stat(file);
    if (size === 0 || size % fixedBytes !== 0) throw fault.length(`${size} bytes`);
  }
  const { chunks, bytes, digest } = await cutFile(file, payload, fixed ? fixedCutter : new Chunker());
  const manifest = signManifest(
    {
      form: fixed ? "fixed" : "content",
      epoch,
      chunkBytes: fixed ? fixedBytes : standardSizes.average,
      payloadBytes: bytes,
      payloadSha256: digest,
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
export function checkPayload({ manifest }: Pick<Packed, "manifest">, path: string): Promise<void> {
  const { chunks, payloadBytes: bytes, payloadSha256: digest } = manifest;
  return checkFile(path, { chunks, bytes, digest }, (where) => fault.payload(where));
}

/** Checks signature and payload; gives the key that signed. Throws `updates.*`, `update.payload`. */
export async function verifyPacked(packed: Packed, keys: readonly string[]): Promise<string> {
  const key = signerOf(packed.manifest, keys);
  await checkPayload(packed, packed.payload);
  return key;
}
