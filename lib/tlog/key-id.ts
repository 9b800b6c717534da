import { createHash, type KeyObject } from "node:crypto";
import { fault } from "./faults.ts";
import { isKeyName } from "./note.ts";

/** Signature type bytes of signed-note that are understood here. */
export const signatureTypes = { ed25519: 0x01, ecdsa: 0x02, cosignature: 0x04, rfc6962: 0x05 } as const;

/** Key id: first four bytes, big-endian, of SHA-256(name ‖ newline ‖ type ‖ public key). */
export function keyIdOf(name: string, type: number, publicKey: Uint8Array): number {
  if (!isKeyName(name)) throw fault.key(name);
  const head = Buffer.concat([Buffer.from(`${name}\n`), Buffer.from([type])]);
  return createHash("sha256").update(head).update(publicKey).digest().readUInt32BE();
}

/** The key in DER, SubjectPublicKeyInfo. */
export function spkiOf(key: KeyObject): Buffer {
  return key.export({ format: "der", type: "spki" });
}
