import { createPrivateKey, type KeyObject, sign } from "node:crypto";
import { fault } from "./faults.ts";
import { parseKey, sameKey } from "./key.ts";
import type { SshKey } from "./ssh-key.ts";
import type { SshSigner } from "./sshsig.ts";
import { decodeBase64, mpint, Reader, string } from "./wire.ts";

const begin = "-----BEGIN OPENSSH PRIVATE KEY-----";
const end = "-----END OPENSSH PRIVATE KEY-----";
const magic = Buffer.from("openssh-key-v1\0");
const maxFile = 64 * 1024;
const bad = fault["private-key"];

type Sign = (data: Uint8Array) => Buffer;
type Jwk = Parameters<typeof createPrivateKey>[0] & { readonly format: "jwk" };

const url = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64url");

function importKey(jwk: Record<string, string>): KeyObject {
  try {
    return createPrivateKey({ key: jwk, format: "jwk" } as Jwk);
  } catch {
    throw bad("its numbers are no key");
  }
}

function signatureBlob(algorithm: string, signature: Uint8Array): Buffer {
  return Buffer.concat([string(algorithm), string(signature)]);
}

function openEd25519(reader: Reader): Sign {
  const x = reader.string();
  const both = reader.string();
  if (both.length !== 64 || !both.subarray(32).equals(x)) throw bad("Ed25519");
  const key = importKey({ kty: "OKP", crv: "Ed25519", x: url(x), d: url(both.subarray(0, 32)) });
  return (data) => signatureBlob("ssh-ed25519", sign(null, data, key));
}

function openEcdsa(curve: string, crv: string, size: number, hash: string): (reader: Reader) => Sign {
  return (reader) => {
    if (reader.text() !== curve) throw bad(curve);
    const point = reader.string();
    const secret = reader.mpint();
    if (point.length !== 1 + 2 * size || secret.length > size) throw bad(curve);
    const d = url(Buffer.concat([Buffer.alloc(size - secret.length), secret]));
    const x = url(point.subarray(1, 1 + size));
    const key = importKey({ kty: "EC", crv, x, y: url(point.subarray(1 + size)), d });
    return (data) => {
      const both = sign(hash, data, { key, dsaEncoding: "ieee-p1363" });
      const numbers = [mpint(both.subarray(0, size)), mpint(both.subarray(size))];
      return signatureBlob(`ecdsa-sha2-${curve}`, Buffer.concat(numbers));
    };
  };
}

const toNumber = (magnitude: Buffer) => BigInt(`0x0${magnitude.toString("hex")}`);

/** The rest of the private exponent for one prime, as the key format of node:crypto wants it. */
function partial(exponent: Buffer, prime: Buffer): string {
  const hex = (toNumber(exponent) % (toNumber(prime) - 1n)).toString(16);
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), "0"), "hex").toString("base64url");
}

function openRsa(reader: Reader): Sign {
  const [n, e, d, qi, p, q] = Array.from({ length: 6 }, () => reader.mpint());
  if (!n || !e || !d || !qi || !p || !q || toNumber(p) < 3n || toNumber(q) < 3n) throw bad("RSA");
  const numbers = { n: url(n), e: url(e), d: url(d), p: url(p), q: url(q), qi: url(qi) };
  const key = importKey({ kty: "RSA", ...numbers, dp: partial(d, p), dq: partial(d, q) });
  return (data) => signatureBlob("rsa-sha2-512", sign("sha512", data, key));
}

const openers = new Map<string, (reader: Reader) => Sign>([
  ["ssh-ed25519", openEd25519],
  ["ecdsa-sha2-nistp256", openEcdsa("nistp256", "P-256", 32, "sha256")],
  ["ecdsa-sha2-nistp384", openEcdsa("nistp384", "P-384", 48, "sha384")],
  ["ecdsa-sha2-nistp521", openEcdsa("nistp521", "P-521", 66, "sha512")],
  ["ssh-rsa", openRsa],
]);

function bodyOf(source: string | Uint8Array): Buffer {
  if (source.length > maxFile) throw fault.oversize(`key file of ${source.length} bytes`);
  const text = typeof source === "string" ? source : Buffer.from(source).toString("latin1");
  const trimmed = text.trim();
  if (!trimmed.startsWith(begin) || !trimmed.endsWith(end)) throw bad("not in OpenSSH's own form");
  const bytes = decodeBase64(trimmed.slice(begin.length, -end.length).replace(/[\r\n]/g, ""));
  if (!bytes) throw bad("its base64");
  return bytes;
}

function openSecret(bytes: Uint8Array): { readonly signData: Sign; readonly comment: string } {
  const reader = new Reader(bytes, bad);
  const check = reader.u32();
  if (reader.u32() !== check) throw bad("check numbers differ");
  const type = reader.text();
  const open = openers.get(type);
  // The key itself is in the security key, or its type is one that only OpenSSH can sign with.
  if (!open) throw fault["key-type"](type);
  const signData = open(reader);
  const comment = reader.text();
  for (let due = 1; reader.left > 0; due += 1) if (reader.u8() !== (due & 255)) throw bad("padding");
  return { signData, comment };
}

/** The public key of a private key file; it can be read even where the file is encrypted. Throws as `openPrivateKey`. */
export function publicKeyOf(source: string | Uint8Array): SshKey {
  return readOuter(source).key;
}

function readOuter(source: string | Uint8Array) {
  const reader = new Reader(bodyOf(source), bad);
  if (!reader.take(magic.length).equals(magic)) throw bad("magic");
  const cipher = reader.text();
  reader.text(); // what the passphrase is stretched by
  reader.string();
  if (reader.u32() !== 1) throw bad("not one key");
  const key = parseKey(reader.string());
  const secret = reader.string();
  return { cipher, key, secret };
}

/**
 * Opens an OpenSSH private key file that is not encrypted: Ed25519, ECDSA, RSA (signs by rsa-sha2-512). Throws
 * `sshsig.encrypted`, `sshsig.key-type` for what only an agent or ssh-keygen can sign with, or `sshsig.private-key`;
 * no message shows anything of the file.
 */
export function openPrivateKey(source: string | Uint8Array): SshSigner & { readonly comment: string } {
  const { cipher, key, secret } = readOuter(source);
  if (cipher !== "none") throw fault.encrypted(cipher);
  const { signData, comment } = openSecret(secret);
  const probe = Buffer.from("probe");
  try {
    key.verify(probe, signData(probe));
  } catch (cause) {
    throw bad("its public and private half do not fit", { cause });
  }
  return { key, comment, sign: signData };
}

/** The same signer, whose signatures carry this certificate. Throws `sshsig.certificate` where it is for another key. */
export function withCertificate(signer: SshSigner, certified: SshKey): SshSigner {
  if (!certified.certificate || !sameKey(signer.key, certified)) throw fault.certificate("of another key");
  return { key: certified, sign: (data, signal) => signer.sign(data, signal) };
}
