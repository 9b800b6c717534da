import { createHash, createPublicKey, KeyObject, sign, verify } from "node:crypto";
import { type Checkpoint, parseCheckpoint } from "./checkpoint.ts";
import { fault } from "./faults.ts";
import { keyIdOf, signatureTypes, spkiOf } from "./key-id.ts";
import { isKeyName, type Signer, type Verifier } from "./note.ts";

const curves = ["prime256v1", "secp384r1", "secp521r1"];

function checkCurve(key: KeyObject): KeyObject {
  const curve = key.asymmetricKeyDetails?.namedCurve ?? "";
  if (key.asymmetricKeyType !== "ec" || !curves.includes(curve)) throw fault.key("not a NIST ECDSA key");
  return key;
}

function publicKeyOf(key: KeyObject | Uint8Array): KeyObject {
  if (key instanceof KeyObject) return checkCurve(key.type === "private" ? createPublicKey(key) : key);
  try {
    return checkCurve(createPublicKey({ key: Buffer.from(key), format: "der", type: "spki" }));
  } catch (cause) {
    throw fault.key("not a SubjectPublicKeyInfo of a NIST curve", { cause });
  }
}

// Type 0x02 takes its key id from the SPKI alone, without the name.
function ecdsaId(name: string, publicKey: Buffer): number {
  if (!isKeyName(name)) throw fault.key(name);
  return createHash("sha256").update(publicKey).digest().readUInt32BE();
}

/** Signs notes (type 0x02) with ECDSA over SHA-256, DER-encoded. */
export function createEcdsaSigner(name: string, key: KeyObject): Signer & { readonly type: number } {
  if (key.type !== "private") throw fault.key("not a private ECDSA key");
  const keyId = ecdsaId(name, spkiOf(publicKeyOf(key)));
  return { name, keyId, type: signatureTypes.ecdsa, sign: (text) => sign("sha256", text, key) };
}

/** Verifies notes (type 0x02) by a public key, as object or SubjectPublicKeyInfo in DER. */
export function createEcdsaVerifier(name: string, key: KeyObject | Uint8Array): Verifier {
  const found = publicKeyOf(key);
  const publicKey = spkiOf(found);
  return {
    name,
    keyId: ecdsaId(name, publicKey),
    type: signatureTypes.ecdsa,
    publicKey,
    verify: (text, signature) => verify("sha256", text, found, signature),
  };
}

/** RFC 6962 section 3.5: version 0, tree_hash, time, size, root. */
function treeHead(time: Uint8Array, { size, root }: Checkpoint): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64BE(BigInt(size));
  return Buffer.concat([Buffer.from([0, 1]), time, length, root]);
}

function checkpointOf(text: Uint8Array): Checkpoint | undefined {
  try {
    return parseCheckpoint(Buffer.from(text).toString());
  } catch {
    return undefined;
  }
}

/**
 * Verifies checkpoints of Static CT logs (type 0x05, RFC 6962 TreeHeadSignature with ECDSA and SHA-256).
 * The signature covers neither origin nor extension lines, so the origin must be `name` and there may be
 * no extensions. The key id is made from the log id, SHA-256 of the SubjectPublicKeyInfo.
 */
export function createRfc6962Verifier(name: string, key: KeyObject | Uint8Array): Verifier {
  const found = publicKeyOf(key);
  const publicKey = spkiOf(found);
  const logId = createHash("sha256").update(publicKey).digest();
  return {
    name,
    keyId: keyIdOf(name, signatureTypes.rfc6962, logId),
    type: signatureTypes.rfc6962,
    publicKey,
    verify: (text, signature) => {
      const checkpoint = checkpointOf(text);
      if (!checkpoint || checkpoint.origin !== name || checkpoint.extensions.length > 0) return false;
      // time u64, hash algorithm 4 (SHA-256), signature algorithm 3 (ECDSA), length u16, DER
      const bytes = Buffer.from(signature);
      if (bytes.length < 12 || bytes[8] !== 4 || bytes[9] !== 3) return false;
      if (bytes.readUInt16BE(10) !== bytes.length - 12) return false;
      return verify("sha256", treeHead(bytes.subarray(0, 8), checkpoint), found, bytes.subarray(12));
    },
  };
}

/** Milliseconds since 1970 UTC of an RFC 6962 tree head signature (type 0x05). */
export function rfc6962Time(signature: Uint8Array): number | undefined {
  if (signature.length < 12) return undefined;
  const time = Number(Buffer.from(signature).readBigUInt64BE());
  return Number.isSafeInteger(time) ? time : undefined;
}
