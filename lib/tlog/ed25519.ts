import { createPrivateKey, createPublicKey, KeyObject, sign, verify } from "node:crypto";
import { parseCheckpoint } from "./checkpoint.ts";
import { fault } from "./faults.ts";
import { keyIdOf, signatureTypes, spkiOf } from "./key-id.ts";
import type { Signer, Verifier } from "./note.ts";

// RFC 8410: what stands before the 32 bytes of a key in PKCS #8 and in SubjectPublicKeyInfo.
const seedHead = Buffer.from("302e020100300506032b657004220420", "hex");
const publicHead = Buffer.from("302a300506032b6570032100", "hex");

function checkKind(key: KeyObject, type: "private" | "public"): KeyObject {
  if (key.type !== type || key.asymmetricKeyType !== "ed25519") throw fault.key(`not a ${type} Ed25519 key`);
  return key;
}

function privateKeyOf(key: KeyObject | Uint8Array): KeyObject {
  if (key instanceof KeyObject) return checkKind(key, "private");
  if (key.length !== 32) throw fault.key("a seed has 32 bytes");
  return createPrivateKey({ key: Buffer.concat([seedHead, key]), format: "der", type: "pkcs8" });
}

function publicKeyOf(key: KeyObject | Uint8Array): KeyObject {
  if (key instanceof KeyObject)
    return checkKind(key.type === "private" ? createPublicKey(key) : key, "public");
  if (key.length !== 32) throw fault.key("an Ed25519 public key has 32 bytes");
  return createPublicKey({ key: Buffer.concat([publicHead, key]), format: "der", type: "spki" });
}

const rawOf = (key: KeyObject) => spkiOf(key).subarray(publicHead.length);

function identify(name: string, type: number, publicKey: KeyObject) {
  const raw = rawOf(publicKey);
  return { name, type, keyId: keyIdOf(name, type, raw), publicKey: raw };
}

/** Public key, 32 bytes, of an Ed25519 private key or seed. */
export function ed25519PublicKey(key: KeyObject | Uint8Array): Uint8Array {
  return rawOf(createPublicKey(privateKeyOf(key)));
}

/** Seed, 32 bytes, of an Ed25519 private key. */
export function ed25519Seed(key: KeyObject): Uint8Array {
  return checkKind(key, "private").export({ format: "der", type: "pkcs8" }).subarray(seedHead.length);
}

/** Signs notes (type 0x01) with a private key or a 32-byte seed. */
export function createSigner(name: string, key: KeyObject | Uint8Array): Signer & { readonly type: number } {
  const secret = privateKeyOf(key);
  const { type, keyId } = identify(name, signatureTypes.ed25519, createPublicKey(secret));
  return { name, keyId, type, sign: (text) => sign(null, text, secret) };
}

/** Verifies notes (type 0x01) by a public key, as object or 32 bytes. */
export function createVerifier(name: string, key: KeyObject | Uint8Array): Verifier {
  const publicKey = publicKeyOf(key);
  return {
    ...identify(name, signatureTypes.ed25519, publicKey),
    verify: (text, signature) => signature.length === 64 && verify(null, text, publicKey, signature),
  };
}

function isCheckpoint(text: Uint8Array): boolean {
  try {
    return parseCheckpoint(Buffer.from(text).toString(), "any").size >= 0;
  } catch {
    return false;
  }
}

function cosigned(seconds: number, text: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`cosignature/v1\ntime ${seconds}\n`), text]);
}

/**
 * Cosigns checkpoints (type 0x04, tlog-cosignature v1) at the time that `now` tells, in whole seconds
 * since 1970 UTC. Signs nothing that is no checkpoint (`tlog.checkpoint`).
 */
export function createCosigner(
  name: string,
  key: KeyObject | Uint8Array,
  now: () => number,
): Signer & { readonly type: number } {
  const secret = privateKeyOf(key);
  const { type, keyId } = identify(name, signatureTypes.cosignature, createPublicKey(secret));
  return {
    name,
    keyId,
    type,
    sign: (text) => {
      if (!isCheckpoint(text)) throw fault.checkpoint("only checkpoints are cosigned");
      const seconds = now();
      if (!Number.isSafeInteger(seconds) || seconds < 0) throw fault.size(seconds);
      const time = Buffer.alloc(8);
      time.writeBigUInt64BE(BigInt(seconds));
      return Buffer.concat([time, sign(null, cosigned(seconds, text), secret)]);
    },
  };
}

/** Seconds since 1970 UTC of a cosignature (type 0x04), or undefined where it cannot be one. */
export function cosignatureTime(signature: Uint8Array): number | undefined {
  if (signature.length !== 72) return undefined;
  const seconds = Number(Buffer.from(signature).readBigUInt64BE());
  return Number.isSafeInteger(seconds) ? seconds : undefined;
}

/** Verifies cosignatures of checkpoints (type 0x04). */
export function createCosignatureVerifier(name: string, key: KeyObject | Uint8Array): Verifier {
  const publicKey = publicKeyOf(key);
  return {
    ...identify(name, signatureTypes.cosignature, publicKey),
    verify: (text, signature) => {
      const seconds = cosignatureTime(signature);
      if (seconds === undefined || !isCheckpoint(text)) return false;
      return verify(null, cosigned(seconds, text), publicKey, signature.subarray(8));
    },
  };
}
