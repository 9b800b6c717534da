import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
} from "node:crypto";
import { faults } from "@skep/fault";

const fault = faults("invite-box", {
  open: ["corrupt", "Cannot open what the hive sealed for this machine"],
});

const spki = Buffer.from("302a300506032b656e032100", "hex");
const pkcs8 = Buffer.from("302e020100300506032b656e04220420", "hex");
const info = Buffer.from("skep box v1");

function raw(key: KeyObject): Buffer {
  return Buffer.from(createPublicKey(key).export({ format: "jwk" }).x ?? "", "base64url");
}

const publicOf = (bytes: Uint8Array): KeyObject =>
  createPublicKey({ key: Buffer.concat([spki, bytes]), format: "der", type: "spki" });

/** A key that something is sealed for; lives until it was opened. */
export interface Box {
  /** X25519 public key, 64 hex digits. */
  readonly publicKey: string;
  /** 32 secret bytes, to be kept in a private file. */
  readonly secret: Uint8Array;
}

/** A new box. */
export function createBox(): Box {
  const { privateKey } = generateKeyPairSync("x25519");
  const secret = Buffer.from(privateKey.export({ format: "jwk" }).d ?? "", "base64url");
  return { publicKey: raw(privateKey).toString("hex"), secret };
}

/** The box whose secret was kept. */
export function boxOf(secret: Uint8Array): Box {
  return { publicKey: raw(privateOf(secret)).toString("hex"), secret };
}

function privateOf(secret: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([pkcs8, secret]), format: "der", type: "pkcs8" });
}

function keyOf(shared: Buffer, ephemeral: Uint8Array, recipient: Uint8Array): Buffer {
  return Buffer.from(hkdfSync("sha256", shared, Buffer.concat([ephemeral, recipient]), info, 32));
}

// Each key seals one text, so a nonce of zeros is never used twice.
const nonce = Buffer.alloc(12);

/** Seals a text so that only the box opens it: ephemeral key, ciphertext, tag; base64url. X25519, HKDF, ChaCha20-Poly1305. */
export function sealFor(publicKey: string, text: string): string {
  const recipient = Buffer.from(publicKey, "hex");
  const { privateKey } = generateKeyPairSync("x25519");
  const ephemeral = raw(privateKey);
  const shared = diffieHellman({ privateKey, publicKey: publicOf(recipient) });
  const cipher = createCipheriv("chacha20-poly1305", keyOf(shared, ephemeral, recipient), nonce, {
    authTagLength: 16,
  });
  const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
  return Buffer.concat([ephemeral, sealed, cipher.getAuthTag()]).toString("base64url");
}

/** Opens what `sealFor` made. Throws `invite-box.open`. */
export function openBox({ secret, publicKey }: Box, sealed: string): string {
  const bytes = Buffer.from(sealed, "base64url");
  if (bytes.length < 48) throw fault.open("it is cut short");
  const ephemeral = bytes.subarray(0, 32);
  try {
    const shared = diffieHellman({ privateKey: privateOf(secret), publicKey: publicOf(ephemeral) });
    const key = keyOf(shared, ephemeral, Buffer.from(publicKey, "hex"));
    const cipher = createDecipheriv("chacha20-poly1305", key, nonce, { authTagLength: 16 });
    cipher.setAuthTag(bytes.subarray(-16));
    return Buffer.concat([cipher.update(bytes.subarray(32, -16)), cipher.final()]).toString("utf8");
  } catch (cause) {
    throw fault.open(undefined, { cause });
  }
}
