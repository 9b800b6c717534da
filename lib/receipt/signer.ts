import { createPrivateKey, createPublicKey, KeyObject, sign, verify } from "node:crypto";
import { fault } from "./faults.ts";

const pkcs8Prefix = Buffer.from("302e020100300506032b657004220420", "hex");
const spkiPrefix = Buffer.from("302a300506032b6570032100", "hex");
const keyForm = /^[0-9a-f]{64}$/;

/** Signs envelopes; the key stays inside. */
export interface Signer {
  /** Ed25519 public key, 64 hex digits. */
  readonly publicKey: string;
  /** Signature over the message itself, 128 hex digits. */
  sign(message: Uint8Array): string;
}

function privateKeyOf(key: Uint8Array | KeyObject): KeyObject {
  if (key instanceof KeyObject) {
    if (key.type !== "private" || key.asymmetricKeyType !== "ed25519") throw fault.key();
    return key;
  }
  if (key.length !== 32) throw fault.key();
  return createPrivateKey({ key: Buffer.concat([pkcs8Prefix, key]), format: "der", type: "pkcs8" });
}

/** Makes a signer from a 32-byte Ed25519 seed or a private KeyObject. Throws `receipt.key` for anything else. */
export function createSigner(key: Uint8Array | KeyObject): Signer {
  const owned = privateKeyOf(key);
  const { x } = createPublicKey(owned).export({ format: "jwk" });
  return {
    publicKey: Buffer.from(x ?? "", "base64url").toString("hex"),
    sign: (message) => sign(null, message, owned).toString("hex"),
  };
}

// Taking a key in costs as much as a verification, and the same few workers and people sign again and again.
const mostKeys = 256;
const keys = new Map<string, KeyObject>();

function publicKeyOf(hex: string): KeyObject {
  const known = keys.get(hex);
  if (known) return known;
  const der = Buffer.concat([spkiPrefix, Buffer.from(hex, "hex")]);
  const key = createPublicKey({ key: der, format: "der", type: "spki" });
  const [oldest] = keys.size < mostKeys ? [] : keys.keys();
  if (oldest !== undefined) keys.delete(oldest);
  keys.set(hex, key);
  return key;
}

/** True when the signature of this public key over the message holds. */
export function isSignedBy(publicKey: string, message: Uint8Array, signature: string): boolean {
  if (!keyForm.test(publicKey)) return false;
  return verify(null, message, publicKeyOf(publicKey), Buffer.from(signature, "hex"));
}
