import type { webcrypto } from "node:crypto";
import type { Credentials } from "./fetch.ts";

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

/** Makes a key for a page. Keep it in IndexedDB: it survives a reload there and cannot be read out. */
export async function makePageKey({ crypto }: Pick<PageDeps, "crypto">): Promise<PageKey> {
  const { privateKey, publicKey } = await crypto.generateKey(algorithm, false, ["sign", "verify"]);
  const { x = "", y = "" } = await crypto.exportKey("jwk", publicKey);
  return { privateKey, x, y };
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
  return {
    headers: async (method, target, body) => {
      const digest =
        body === ""
          ? ""
          : hex(new Uint8Array(await crypto.digest("SHA-256", new TextEncoder().encode(body))));
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
