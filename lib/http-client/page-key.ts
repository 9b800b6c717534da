import type { webcrypto } from "node:crypto";
import type { Credentials, RequestBody } from "./fetch.ts";

/** What a key of a page needs from its browser. */
export interface PageDeps {
  readonly crypto: Pick<webcrypto.SubtleCrypto, "digest" | "exportKey" | "generateKey" | "sign">;
  /** Fills an array with chance. */
  readonly chance: (bytes: Uint8Array<ArrayBuffer>) => unknown;
  /** Milliseconds since 1970, as the hive counts them: correct it by the `now` of its answers. */
  readonly now: () => number;
  /** Scheme, host and port of the page. */
  readonly origin: string;
}

/** Both halves of a key as a browser stores them (IndexedDB takes them as they are). */
export interface PageKeyPair {
  readonly privateKey: webcrypto.CryptoKey;
  readonly publicKey: webcrypto.CryptoKey;
}

/** Where a page keeps its key from one visit to the next. */
export interface PageKeyStore {
  get(): Promise<PageKeyPair | undefined>;
  put(pair: PageKeyPair): Promise<void>;
}

/** A key pair whose private half never leaves the browser. */
export interface PageKey {
  readonly privateKey: webcrypto.CryptoKey;
  /** Coordinates of the public key, for `POST /v1/session`. */
  readonly x: string;
  readonly y: string;
}

const algorithm = { name: "ECDSA", namedCurve: "P-256" };

const base64url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");
const hex = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");

function makePair({ crypto }: Pick<PageDeps, "crypto">): Promise<PageKeyPair> {
  return crypto.generateKey(algorithm, false, ["sign", "verify"]);
}

async function keyOf(
  { privateKey, publicKey }: PageKeyPair,
  { crypto }: Pick<PageDeps, "crypto">,
): Promise<PageKey> {
  const { x = "", y = "" } = await crypto.exportKey("jwk", publicKey);
  return { privateKey, x, y };
}

/** Makes a key for one visit: it cannot be read out. */
export async function makePageKey(deps: Pick<PageDeps, "crypto">): Promise<PageKey> {
  return keyOf(await makePair(deps), deps);
}

/** The key of this origin: made once, and found again where the browser keeps anything; a private window may not. */
export async function keptPageKey(store: PageKeyStore, deps: Pick<PageDeps, "crypto">): Promise<PageKey> {
  try {
    const kept = await store.get();
    if (kept) return await keyOf(kept, deps);
    const made = await makePair(deps);
    await store.put(made);
    return await keyOf(made, deps);
  } catch {
    return makePageKey(deps);
  }
}

/** A page's key as credentials: every request, stream and socket is signed. */
export function pageCredentials(
  { privateKey }: PageKey,
  { crypto, chance, now, origin }: PageDeps,
): Credentials {
  const sign = async (lines: readonly (string | number)[]): Promise<string> => {
    const text = new TextEncoder().encode(lines.join("\n"));
    return base64url(new Uint8Array(await crypto.sign({ name: "ECDSA", hash: "SHA-256" }, privateKey, text)));
  };
  const digestOf = async (method: string, body: RequestBody | undefined): Promise<string> => {
    if (body === undefined || body.length === 0) return "";
    // Uploads are proven by the digest in their path, and may be longer than what one would hash twice.
    if (method === "PUT" || method === "PATCH") return "stream";
    const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
    return hex(new Uint8Array(await crypto.digest("SHA-256", bytes)));
  };
  return {
    headers: async (method, target, body) => {
      const digest = await digestOf(method, body);
      const nonce = base64url(fill(new Uint8Array(12), chance));
      const time = Math.round(now());
      const signature = await sign(["skep-request-1", origin, method, target, time, nonce, digest]);
      return {
        "X-Skep-Proof": `${time}.${nonce}.${signature}`,
        ...(digest !== "" && { "X-Skep-Body": digest }),
      };
    },
    prove: (challenge) => sign(["skep-socket-1", origin, challenge]),
  };
}

function fill(bytes: Uint8Array<ArrayBuffer>, chance: PageDeps["chance"]): Uint8Array {
  chance(bytes);
  return bytes;
}
