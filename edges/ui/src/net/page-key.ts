/** The key of this page; its private half never leaves the browser. */
export interface PageKey {
  readonly x: string;
  readonly y: string;
  /** ECDSA P-256 with SHA-256, 64 bytes as base64url. */
  sign(text: string): Promise<string>;
}

const algorithm = { name: "ECDSA", namedCurve: "P-256" } as const;

/** Bytes as base64url without padding. */
export function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

async function keyOf(pair: CryptoKeyPair): Promise<PageKey> {
  const { x = "", y = "" } = await crypto.subtle.exportKey("jwk", pair.publicKey);
  return {
    x,
    y,
    async sign(text) {
      const data = new TextEncoder().encode(text);
      const made = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, pair.privateKey, data);
      return base64url(new Uint8Array(made));
    },
  };
}

/** Makes a key that cannot be exported. */
export async function makePair(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(algorithm, false, ["sign", "verify"]);
}

function ask<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((done, failed) => {
    request.onsuccess = () => done(request.result);
    request.onerror = () => failed(request.error);
  });
}

function open(): Promise<IDBDatabase> {
  const request = indexedDB.open("skep", 1);
  request.onupgradeneeded = () => request.result.createObjectStore("keys");
  return ask(request);
}

/** The key of this origin, port included: made once, kept by the browser where it keeps anything. */
export async function pageKey(): Promise<PageKey> {
  try {
    const db = await open();
    const kept: unknown = await ask(db.transaction("keys").objectStore("keys").get("page"));
    if (kept) return await keyOf(kept as CryptoKeyPair);
    const made = await makePair();
    await ask(db.transaction("keys", "readwrite").objectStore("keys").put(made, "page"));
    return await keyOf(made);
  } catch {
    // A private window may keep nothing: the page then works until it is closed.
    return keyOf(await makePair());
  }
}
