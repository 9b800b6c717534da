import type { PageKeyPair, PageKeyStore } from "@skep/http-client";

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

async function keep(pair: PageKeyPair): Promise<void> {
  await ask((await open()).transaction("keys", "readwrite").objectStore("keys").put(pair, "page"));
}

/** The key of this origin, port included, where the browser keeps it. */
export const keptKey: PageKeyStore = {
  async get() {
    const kept: unknown = await ask((await open()).transaction("keys").objectStore("keys").get("page"));
    return kept as PageKeyPair | undefined;
  },
  async put(pair) {
    // The page goes on meanwhile. Where nothing is kept the key is one of this visit.
    keep(pair).catch(() => undefined);
  },
};
