import { createHash } from "node:crypto";
import { parseArmour, printArmour } from "./armour.ts";
import { fault } from "./faults.ts";
import { parseKey } from "./key.ts";
import type { SignatureProof, SshKey } from "./ssh-key.ts";
import { Reader, string, u32 } from "./wire.ts";

/** Hashes that SSHSIG allows. */
export type SshsigHash = "sha256" | "sha512";

/** A parsed SSHSIG, PROTOCOL.sshsig; nothing of it is verified yet but the signature on a certificate. */
export interface Sshsig {
  readonly key: SshKey;
  readonly namespace: string;
  readonly hash: SshsigHash;
  /** The SSH signature blob over `signedBytes`. */
  readonly signature: Uint8Array;
}

/** Who can sign: an opened key file, or a key of an agent. */
export interface SshSigner {
  readonly key: SshKey;
  /** An SSH signature blob over `data`; never SHA-1. */
  sign(data: Uint8Array, signal?: AbortSignal): Uint8Array | Promise<Uint8Array>;
}

const magic = Buffer.from("SSHSIG");

function isHash(name: string): name is SshsigHash {
  return name === "sha256" || name === "sha512";
}

/** Reads an armoured signature. Throws `sshsig.armour`, `.format`, `.version`, `.hash` and the faults of `parseKey`. */
export function parseSshsig(source: string | Uint8Array): Sshsig {
  const reader = new Reader(parseArmour(source), fault.format);
  if (!reader.take(magic.length).equals(magic)) throw fault.format("magic");
  const version = reader.u32();
  if (version !== 1) throw fault.version(version);
  const keyBytes = reader.string();
  const namespace = reader.text();
  reader.string(); // reserved: to be ignored
  const hash = reader.text();
  const signature = reader.string();
  reader.end();
  if (namespace === "") throw fault.format("empty namespace");
  if (!isHash(hash)) throw fault.hash(hash);
  return { key: parseKey(keyBytes), namespace, hash, signature };
}

/** Prints it with its armour. */
export function printSshsig({ key, namespace, hash, signature }: Sshsig): string {
  const blob = string(key.certificate?.blob ?? key.blob);
  const rest = [string(namespace), string(""), string(hash), string(signature)];
  return printArmour(Buffer.concat([magic, u32(1), blob, ...rest]));
}

/** What is signed in the place of `message`. */
export function signedBytes(message: Uint8Array, namespace: string, hash: SshsigHash): Buffer {
  const digest = createHash(hash).update(message).digest();
  return Buffer.concat([magic, string(namespace), string(""), string(hash), string(digest)]);
}

/**
 * Verifies that the key in the signature signed `message` for `namespace`. It says nothing of who that is: see
 * `authorize`. Throws `sshsig.namespace`, `.signature`, `.algorithm` or `.weak-key`.
 */
export function verifySshsig(parsed: Sshsig, message: Uint8Array, namespace: string): SignatureProof {
  if (parsed.namespace !== namespace) throw fault.namespace(parsed.namespace);
  return parsed.key.verify(signedBytes(message, namespace, parsed.hash), parsed.signature);
}

/** Signs `message` and verifies what came back, so that a broken agent is found here. Throws what the signer throws. */
export async function signSshsig(
  message: Uint8Array,
  { namespace, hash = "sha512" }: { readonly namespace: string; readonly hash?: SshsigHash },
  signer: SshSigner,
  signal?: AbortSignal,
): Promise<string> {
  if (namespace === "") throw fault.namespace(namespace);
  const data = signedBytes(message, namespace, hash);
  const signature = await signer.sign(data, signal);
  signer.key.verify(data, signature);
  return printSshsig({ key: signer.key, namespace, hash, signature });
}
