import { createPrivateKey, createPublicKey, type KeyObject, verify } from "node:crypto";
import { decodeBlock } from "./plain-block.ts";
import { bytesIn, field, fieldsOf, numberIn } from "./proto.ts";
import { keyIdOf, pkcs8Prefix } from "./root.ts";
import type { Block } from "./token.ts";

const spkiPrefix = Buffer.from("302a300506032b6570032100", "hex");
const ed25519 = 0;
/** The number of the key's algorithm, as it is signed: four bytes, little endian. */
const signedAlgorithm = Buffer.alloc(4, ed25519);
const keySize = 32;
const signatureSize = 64;
const rootsKept = 16;

/** What is asked of a root for each token, made once: a hive has few, in use or retired. */
class RootKey {
  readonly id: number;
  readonly #hex: string;
  #key: KeyObject | undefined;

  constructor(hex: string) {
    this.id = keyIdOf(hex);
    this.#hex = hex;
  }

  get key(): KeyObject {
    if (this.#key) return this.#key;
    const der = Buffer.concat([spkiPrefix, Buffer.from(this.#hex, "hex")]);
    this.#key = createPublicKey({ key: der, format: "der", type: "spki" });
    return this.#key;
  }
}

const rootKeys = new Map<string, RootKey>();

function rootKeyOf(hex: string): RootKey {
  const found = rootKeys.get(hex);
  if (found) return found;
  const made = new RootKey(hex);
  if (rootKeys.size >= rootsKept) rootKeys.clear();
  rootKeys.set(hex, made);
  return made;
}

/**
 * True when this is the secret of that public key, which proves that no later block was cut off. The key goes in as text:
 * Node tries whatever is an object as two kinds of key first, and each try costs an error with its stack.
 */
function isSecretOf(secret: Uint8Array, publicKey: Buffer): boolean {
  const der = Buffer.concat([pkcs8Prefix, secret]).toString("base64");
  const key = createPrivateKey(`-----BEGIN PRIVATE KEY-----\n${der}\n-----END PRIVATE KEY-----\n`);
  return key.export({ format: "jwk" }).x === publicKey.toString("base64url");
}

/** A token of one block by its parts. */
interface Parts {
  readonly keyId: number;
  readonly block: Buffer;
  readonly nextKey: Buffer;
  readonly signature: Buffer;
  readonly secret: Buffer;
}

function printParts({ keyId, block, nextKey, signature, secret }: Parts): string {
  const next = Buffer.concat([field(1, ed25519), field(2, nextKey)]);
  const signed = Buffer.concat([field(1, block), field(2, next), field(3, signature)]);
  const all = Buffer.concat([field(1, keyId), field(2, signed), field(4, field(1, secret))]);
  const text = all.toString("base64url");
  return text + "=".repeat((4 - (text.length % 4)) % 4);
}

/** Parts of the token that is this text and no other: what does not print as itself again has none. */
function partsOf(token: string): Parts | undefined {
  const outer = fieldsOf(Buffer.from(token, "base64url"));
  const signed = fieldsOf(bytesIn(outer, 2));
  const none = Buffer.alloc(0);
  const parts = {
    keyId: numberIn(outer, 1) ?? 0,
    block: bytesIn(signed, 1) ?? none,
    nextKey: bytesIn(fieldsOf(bytesIn(signed, 2)), 2) ?? none,
    signature: bytesIn(signed, 3) ?? none,
    secret: bytesIn(fieldsOf(bytesIn(outer, 4)), 1) ?? none,
  };
  const { nextKey, signature, secret } = parts;
  if (nextKey.length !== keySize || secret.length !== keySize || signature.length !== signatureSize)
    return undefined;
  return printParts(parts) === token ? parts : undefined;
}

/** What a token of the shape that `mint` gives says, and the root key that signed it. */
export interface Plain {
  readonly root: string;
  readonly block: Block;
}

/**
 * Opens a token that is, byte by byte, what `mint` would give for its claims: one block, signed by the root that it
 * names, with the proof of an unsealed token. Undefined for all others, whatever is wrong or merely different about
 * them: the library judges those, so that nothing is accepted here which it would refuse.
 */
export function openPlain(token: string, rootPublicKeys: readonly string[]): Plain | undefined {
  const parts = partsOf(token);
  const root = rootPublicKeys.find((key) => rootKeyOf(key).id === parts?.keyId);
  if (!parts || root === undefined) return undefined;
  const { block, nextKey, signature, secret } = parts;
  const claims = decodeBlock(block);
  if (!claims) return undefined;
  const signed = Buffer.concat([block, signedAlgorithm, nextKey]);
  if (!verify(null, signed, rootKeyOf(root).key, signature)) return undefined;
  if (!isSecretOf(secret, nextKey)) return undefined;
  return { root, block: { id: signature.toString("hex"), claims } };
}
