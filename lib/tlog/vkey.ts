import type { KeyObject } from "node:crypto";
import { createEcdsaVerifier } from "./ecdsa.ts";
import {
  createCosignatureVerifier,
  createCosigner,
  createSigner,
  createVerifier,
  ed25519PublicKey,
  ed25519Seed,
} from "./ed25519.ts";
import { decodeBase64, encodeBase64 } from "./encoding.ts";
import { fault } from "./faults.ts";
import { keyIdOf, signatureTypes } from "./key-id.ts";
import { isKeyName, type Signer, type Verifier } from "./note.ts";

const hexId = (keyId: number) => keyId.toString(16).padStart(8, "0");

/** A verifier key as text: name, key id in hex, base64 of type and public key, joined by plus. */
export function printVkey({ name, keyId, type, publicKey }: Verifier): string {
  return `${name}+${hexId(keyId)}+${encodeBase64(Buffer.concat([Buffer.from([type]), publicKey]))}`;
}

interface KeyText {
  readonly name: string;
  readonly keyId: number;
  readonly type: number;
  readonly key: Uint8Array;
}

function parseKeyText(text: string): KeyText {
  const found = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/s.exec(text);
  const [, name = "", id = "", base64 = ""] = found ?? [];
  const bytes = decodeBase64(base64);
  if (!isKeyName(name) || !bytes || bytes.length < 2) throw fault.key("bad form");
  return { name, keyId: Number.parseInt(id, 16), type: bytes[0] ?? 0, key: bytes.subarray(1) };
}

const makers: Record<number, (name: string, key: Uint8Array) => Verifier> = {
  [signatureTypes.ed25519]: createVerifier,
  [signatureTypes.ecdsa]: createEcdsaVerifier,
  [signatureTypes.cosignature]: createCosignatureVerifier,
};

/** Reads a verifier key of type 0x01, 0x02 or 0x04; throws `tlog.key` on others and on a key id that does not fit. */
export function parseVkey(text: string): Verifier {
  const { name, keyId, type, key } = parseKeyText(text);
  const made = makers[type]?.(name, key);
  if (!made) throw fault.key(`unknown type ${type}`);
  if (made.keyId !== keyId) throw fault.key(`key id ${hexId(keyId)} is not that of the key`);
  return made;
}

const skeyHead = "PRIVATE+KEY+";

/** A private key as text, for type 0x01 or 0x04: to be kept like any secret. */
export function printSkey(
  name: string,
  key: KeyObject | Uint8Array,
  type: number = signatureTypes.ed25519,
): string {
  if (type !== signatureTypes.ed25519 && type !== signatureTypes.cosignature) throw fault.key(`type ${type}`);
  const seed = key instanceof Uint8Array ? key : ed25519Seed(key);
  const keyId = keyIdOf(name, type, ed25519PublicKey(seed));
  return `${skeyHead}${name}+${hexId(keyId)}+${encodeBase64(Buffer.concat([Buffer.from([type]), seed]))}`;
}

/** Reads what `printSkey` made; `now` (seconds since 1970 UTC) is needed for a cosigner's key, type 0x04. */
export function parseSkey(text: string, now?: () => number): Signer & { readonly type: number } {
  if (!text.startsWith(skeyHead)) throw fault.key("not a private key");
  const { name, keyId, type, key } = parseKeyText(text.slice(skeyHead.length));
  const made =
    type === signatureTypes.ed25519
      ? createSigner(name, key)
      : type === signatureTypes.cosignature && now
        ? createCosigner(name, key, now)
        : undefined;
  if (!made) throw fault.key(`type ${type}`);
  if (made.keyId !== keyId) throw fault.key(`key id ${hexId(keyId)} is not that of the key`);
  return made;
}
