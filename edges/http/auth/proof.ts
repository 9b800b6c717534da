import { createHash, createPublicKey, type KeyObject, verify } from "node:crypto";
import { fault } from "../faults.ts";

/** What the key of a page signs for one request. */
export interface Signed {
  /** Scheme, host and port as the page sees them. */
  readonly origin: string;
  readonly method: string;
  /** Path and query as sent, without the proof. */
  readonly target: string;
  /** SHA-256 of the body in hex, `stream` for bytes that are sent as they come, empty without a body. */
  readonly body: string;
}

/** Time, nonce and signature: `x-skep-proof: <ms>.<nonce>.<signature>`. */
export interface Proof {
  readonly time: number;
  readonly nonce: string;
  readonly signature: Buffer;
}

/** The bytes that a page signs for a request. */
export function signedText({ origin, method, target, body }: Signed, time: number, nonce: string): string {
  return ["skep-request-1", origin, method, target, time, nonce, body].join("\n");
}

/** The bytes that a page signs to open a socket whose server said `challenge`. */
export function socketText(origin: string, challenge: string): string {
  return ["skep-socket-1", origin, challenge].join("\n");
}

/** Reads a proof. Throws `http.proof`. */
export function parseProof(text: string): Proof {
  const found = /^(\d{1,15})\.([\w-]{8,64})\.([\w-]{86})$/.exec(text);
  if (!found) throw fault.proof();
  const [, time = "", nonce = "", signature = ""] = found;
  return { time: Number(time), nonce, signature: Buffer.from(signature, "base64url") };
}

/** The public key of a page: P-256 as a JWK. Throws `http.proof`. */
export function pageKey(x: string, y: string): KeyObject {
  try {
    return createPublicKey({ key: { kty: "EC", crv: "P-256", x, y }, format: "jwk" });
  } catch {
    throw fault.proof("no P-256 key");
  }
}

/** Whether a page's key made the signature over the text. */
export function isSigned(key: KeyObject, text: string, signature: Uint8Array): boolean {
  return verify("sha256", Buffer.from(text), { key, dsaEncoding: "ieee-p1363" }, signature);
}

/** The digest of a body as proofs name it. */
export function bodyDigest(body: Uint8Array): string {
  return createHash("sha256").update(body).digest("hex");
}
