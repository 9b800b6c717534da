import { createPrivateKey, createPublicKey, hash, KeyObject } from "node:crypto";
import { fault } from "./faults.ts";

/** What stands before a seed in the DER form of an Ed25519 private key. */
export const pkcs8Prefix = Buffer.from("302e020100300506032b657004220420", "hex");
const seeds = new WeakMap<Root, Uint8Array>();

/** A key that mints tickets; its private half never leaves this package, not by printing either. */
export interface Root {
  /** Ed25519 public key, 64 hex digits; what verifiers are given. */
  readonly publicKey: string;
}

/** A number that a token carries so that a verifier with several root keys tries the right one first. */
export function keyIdOf(publicKey: string): number {
  return hash("sha256", Buffer.from(publicKey, "hex"), "buffer").readUInt32BE(0);
}

function seedOf(key: Uint8Array | KeyObject): Uint8Array {
  if (!(key instanceof KeyObject)) return Uint8Array.from(key);
  if (key.type !== "private" || key.asymmetricKeyType !== "ed25519") throw fault.key();
  return Buffer.from(key.export({ format: "jwk" }).d ?? "", "base64url");
}

/**
 * Makes a root from a 32-byte Ed25519 seed or a private KeyObject.
 * Throws `ticket.key` for anything else.
 */
export function createRoot(key: Uint8Array | KeyObject): Root {
  const seed = seedOf(key);
  if (seed.length !== 32) throw fault.key();
  const owned = createPrivateKey({ key: Buffer.concat([pkcs8Prefix, seed]), format: "der", type: "pkcs8" });
  const { x } = createPublicKey(owned).export({ format: "jwk" });
  const root: Root = Object.freeze({ publicKey: Buffer.from(x ?? "", "base64url").toString("hex") });
  seeds.set(root, seed);
  return root;
}

/** The seed behind a root made by `createRoot`. */
export function secretOf(root: Root): Uint8Array {
  const seed = seeds.get(root);
  if (!seed) throw fault.key();
  return seed;
}
