import { createHash, createPublicKey, type KeyObject, verify } from "node:crypto";
import { fault } from "./faults.ts";
import { mpint, Reader, string } from "./wire.ts";

/** Verifies one signature of a key: the inner bytes of an SSH signature, after its algorithm's name. */
export type Check = (algorithm: string, data: Uint8Array, signature: Uint8Array) => boolean;

/** What the fields of a public key are read into. */
export interface Material {
  /** The fields again, in their one canonical spelling. */
  readonly fields: Buffer;
  readonly check: Check;
  /** Where the key lives in a security key: what it was enrolled for. */
  readonly application?: string;
}

/** How the public keys of one type are read; the security-key types build on the plain ones. */
export type Family = (reader: Reader) => Material;

type Jwk = Parameters<typeof createPublicKey>[0] & { readonly format: "jwk" };

/** RFC 8332 keys below this are refused; OpenSSH itself goes down to 1,024. */
export const minimumRsaBits = 2048;
const maximumRsaBits = 16_384;

function importKey(jwk: Record<string, string>): KeyObject {
  try {
    return createPublicKey({ key: jwk, format: "jwk" } as Jwk);
  } catch {
    throw fault.key("no point of its curve");
  }
}

/** OpenSSL throws on some signatures that others only find wrong. */
function holds(check: () => boolean): boolean {
  try {
    return check();
  } catch {
    return false;
  }
}

export const readEd25519: Family = (reader) => {
  const point = reader.string();
  if (point.length !== 32) throw fault.key("Ed25519");
  const key = importKey({ kty: "OKP", crv: "Ed25519", x: point.toString("base64url") });
  return {
    fields: string(point),
    check: (algorithm, data, signature) =>
      algorithm === "ssh-ed25519" &&
      signature.length === 64 &&
      holds(() => verify(null, data, key, signature)),
  };
};

const curves = {
  nistp256: { crv: "P-256", size: 32, hash: "sha256" },
  nistp384: { crv: "P-384", size: 48, hash: "sha384" },
  nistp521: { crv: "P-521", size: 66, hash: "sha512" },
} as const;

/** Name of a curve as RFC 5656 spells it. */
export type Curve = keyof typeof curves;

function padTo(size: number, magnitude: Buffer): Buffer | undefined {
  return magnitude.length > size
    ? undefined
    : Buffer.concat([Buffer.alloc(size - magnitude.length), magnitude]);
}

/** RFC 5656: the point uncompressed, the signature as two numbers. */
export function readEcdsa(curve: Curve): Family {
  const { crv, size, hash } = curves[curve];
  return (reader) => {
    const name = reader.text();
    const point = reader.string();
    if (name !== curve || point.length !== 1 + 2 * size || point[0] !== 4) throw fault.key(curve);
    const x = point.subarray(1, 1 + size).toString("base64url");
    const key = importKey({ kty: "EC", crv, x, y: point.subarray(1 + size).toString("base64url") });
    const check: Check = (algorithm, data, signature) => {
      const numbers = new Reader(signature, fault.format);
      const r = padTo(size, numbers.mpint());
      const s = padTo(size, numbers.mpint());
      numbers.end();
      if (algorithm !== `ecdsa-sha2-${curve}` || !r || !s) return false;
      const both = Buffer.concat([r, s]);
      return holds(() => verify(hash, data, { key, dsaEncoding: "ieee-p1363" }, both));
    };
    return { fields: Buffer.concat([string(curve), string(point)]), check };
  };
}

const bitsOf = (magnitude: Buffer) => magnitude.length * 8 - Math.clz32(magnitude[0] ?? 0) + 24;

function checkRsa(key: KeyObject, size: number): Check {
  return (algorithm, data, signature) => {
    const hash = { "rsa-sha2-256": "sha256", "rsa-sha2-512": "sha512" }[algorithm];
    // OpenSSH tells it as its own refusal: SHA-1 is what `ssh-rsa` means here.
    if (hash === undefined) throw fault.algorithm(algorithm);
    const padded = padTo(size, Buffer.from(signature));
    return padded !== undefined && holds(() => verify(hash, data, key, padded));
  };
}

export const readRsa: Family = (reader) => {
  const e = reader.mpint();
  const n = reader.mpint();
  const bits = bitsOf(n);
  const odd = ((e.at(-1) ?? 0) & (n.at(-1) ?? 0) & 1) === 1;
  if (!odd || bits < 512 || bits > maximumRsaBits || bitsOf(e) < 2 || e.length > 8) throw fault.key("RSA");
  const key = importKey({ kty: "RSA", e: e.toString("base64url"), n: n.toString("base64url") });
  const check = checkRsa(key, n.length);
  return {
    fields: Buffer.concat([mpint(e), mpint(n)]),
    check: (algorithm, data, signature) => {
      if (bits < minimumRsaBits) throw fault["weak-key"](`${bits} bits`);
      return check(algorithm, data, signature);
    },
  };
};

const compositeLabel = Buffer.from("COMPSIG-MLDSA44-Ed25519-SHA512");
const compositePrefix = Buffer.concat([Buffer.from("CompositeAlgorithmSignatures2025"), compositeLabel]);
const mldsaKey = 1312;
const mldsaSignature = 2420;

/** draft-miller-sshm-mldsa44-ed25519-composite-sigs over draft-ietf-lamps-pq-composite-sigs: both halves must hold. */
export const readComposite: Family = (reader) => {
  const point = reader.string();
  if (point.length !== mldsaKey + 32) throw fault.key("ML-DSA-44 with Ed25519");
  const pub = point.subarray(0, mldsaKey).toString("base64url");
  const key = importKey({ kty: "AKP", alg: "ML-DSA-44", pub });
  const x = point.subarray(mldsaKey).toString("base64url");
  const ed = importKey({ kty: "OKP", crv: "Ed25519", x });
  const check: Check = (algorithm, data, signature) => {
    if (algorithm !== "ssh-mldsa44-ed25519@openssh.com" || signature.length !== mldsaSignature + 64)
      return false;
    const message = Buffer.concat([
      compositePrefix,
      Buffer.alloc(1),
      createHash("sha512").update(data).digest(),
    ]);
    const withContext = { key, context: compositeLabel };
    return (
      holds(() => verify(null, message, ed, signature.subarray(mldsaSignature))) &&
      holds(() => verify(null, message, withContext, signature.subarray(0, mldsaSignature)))
    );
  };
  return { fields: string(point), check };
};
