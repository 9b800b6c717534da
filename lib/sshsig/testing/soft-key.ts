// Keys of every type made on the spot, security keys and certificates too, so that tests need no program and no file.
import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { parseKey } from "../key.ts";
import type { SshKey } from "../ssh-key.ts";
import type { SshSigner } from "../sshsig.ts";
import { mpint, string, u32 } from "../wire.ts";

type Jwk = Readonly<Record<string, string>>;
const jwkOf = (key: KeyObject) => key.export({ format: "jwk" }) as unknown as Jwk;
const part = (jwk: Jwk, name: string) => Buffer.from(jwk[name] ?? "", "base64url");

/** A key with the OpenSSH private key file that ssh-keygen would have written for it. */
export interface SoftKey extends SshSigner {
  readonly file: string;
}

function u64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}

function filed(publicBlob: Buffer, secret: Buffer): string {
  const check = u32(0x5eed5eed);
  const bare = Buffer.concat([check, check, secret, string("a comment")]);
  const padding = Buffer.from(Array.from({ length: (8 - (bare.length % 8)) % 8 }, (_, at) => at + 1));
  const head = [Buffer.from("openssh-key-v1\0"), string("none"), string("none"), string(""), u32(1)];
  const all = Buffer.concat([...head, string(publicBlob), string(Buffer.concat([bare, padding]))]);
  const lines = all.toString("base64").match(/.{1,70}/g) ?? [];
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines.join("\n")}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

function soft(publicBlob: Buffer, secret: Buffer, signBlob: (data: Uint8Array) => Buffer): SoftKey {
  return { key: parseKey(publicBlob), file: filed(publicBlob, secret), sign: signBlob };
}

export function softEd25519(): SoftKey {
  const { privateKey } = generateKeyPairSync("ed25519");
  const [x, d] = [part(jwkOf(privateKey), "x"), part(jwkOf(privateKey), "d")];
  const blob = Buffer.concat([string("ssh-ed25519"), string(x)]);
  const secret = Buffer.concat([blob, string(Buffer.concat([d, x]))]);
  return soft(blob, secret, (data) =>
    Buffer.concat([string("ssh-ed25519"), string(sign(null, data, privateKey))]),
  );
}

const hashes = { 256: "sha256", 384: "sha384", 521: "sha512" } as const;

function ecdsaNumbers(hash: string, data: Uint8Array, key: KeyObject): Buffer {
  const both = sign(hash, data, { key, dsaEncoding: "ieee-p1363" });
  return Buffer.concat([mpint(both.subarray(0, both.length / 2)), mpint(both.subarray(both.length / 2))]);
}

function ecdsaPair(bits: keyof typeof hashes) {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: `P-${bits}` });
  const jwk = jwkOf(privateKey);
  const point = Buffer.concat([Buffer.of(4), part(jwk, "x"), part(jwk, "y")]);
  return { privateKey, d: part(jwk, "d"), fields: Buffer.concat([string(`nistp${bits}`), string(point)]) };
}

export function softEcdsa(bits: keyof typeof hashes): SoftKey {
  const { privateKey, d, fields } = ecdsaPair(bits);
  const type = string(`ecdsa-sha2-nistp${bits}`);
  const blob = Buffer.concat([type, fields]);
  return soft(blob, Buffer.concat([blob, mpint(d)]), (data) =>
    Buffer.concat([type, string(ecdsaNumbers(hashes[bits], data, privateKey))]),
  );
}

/** RSA that signs by any algorithm's name, the refused one too. */
export function softRsa(
  bits: number,
  algorithm: "ssh-rsa" | "rsa-sha2-256" | "rsa-sha2-512" = "rsa-sha2-512",
): SoftKey {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: bits });
  const jwk = jwkOf(privateKey);
  const number = (name: string) => mpint(part(jwk, name));
  const blob = Buffer.concat([string("ssh-rsa"), number("e"), number("n")]);
  const secret = [string("ssh-rsa"), ...["n", "e", "d", "qi", "p", "q"].map(number)];
  const hash = { "ssh-rsa": "sha1", "rsa-sha2-256": "sha256", "rsa-sha2-512": "sha512" }[algorithm];
  return soft(blob, Buffer.concat(secret), (data) =>
    Buffer.concat([string(algorithm), string(sign(hash, data, privateKey))]),
  );
}

const sha256 = (data: Uint8Array) => createHash("sha256").update(data).digest();

/** A security key in software: says the flags that it is told to say. */
export function softSecurityKey(plain: "ed25519" | "ecdsa", flags: number, application = "ssh:"): SshSigner {
  const type = plain === "ed25519" ? "sk-ssh-ed25519@openssh.com" : "sk-ecdsa-sha2-nistp256@openssh.com";
  const ed = generateKeyPairSync("ed25519").privateKey;
  const ec = ecdsaPair(256);
  const fields = plain === "ed25519" ? string(part(jwkOf(ed), "x")) : ec.fields;
  let counter = 41;
  return {
    key: parseKey(Buffer.concat([string(type), fields, string(application)])),
    sign: (data) => {
      counter += 1;
      const tail = Buffer.concat([Buffer.of(flags), u32(counter)]);
      const signed = Buffer.concat([sha256(Buffer.from(application)), tail, sha256(data)]);
      const inner =
        plain === "ed25519" ? sign(null, signed, ed) : ecdsaNumbers("sha256", signed, ec.privateKey);
      return Buffer.concat([string(type), string(inner), tail]);
    },
  };
}

/** What a soft certificate says; what is left out is a year around 2026 for `alice`. */
export interface CertificateClaims {
  readonly kind?: number;
  readonly serial?: bigint;
  readonly keyId?: string;
  readonly principals?: readonly string[];
  readonly validAfter?: number;
  readonly validBefore?: number;
  readonly critical?: readonly (readonly [string, string])[];
}

export function certify(key: SshKey, authority: SshSigner, claims: CertificateClaims = {}): SshKey {
  const bare = key.type.replace("@openssh.com", "");
  const fields = key.blob.subarray(4 + Buffer.byteLength(key.type));
  const { kind = 1, serial = 7n, keyId = "alice-2026", principals = ["alice"], critical = [] } = claims;
  const { validAfter = 1_767_225_600, validBefore = 1_798_761_600 } = claims;
  const signed = Buffer.concat([
    ...[string(`${bare}-cert-v01@openssh.com`), string(Buffer.alloc(32, 5)), fields],
    ...[u64(serial), u32(kind), string(keyId), string(Buffer.concat(principals.map(string)))],
    ...[u64(BigInt(validAfter)), u64(BigInt(validBefore))],
    string(Buffer.concat(critical.flatMap(([name, data]) => [string(name), string(data && string(data))]))),
    ...[string(""), string(""), string(authority.key.blob)],
  ]);
  return parseKey(Buffer.concat([signed, string(authority.sign(signed) as Uint8Array)]));
}

export { u64 };
