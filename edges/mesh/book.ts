import { view, withPeer } from "./addresses.ts";

const most = 20_000;
const perSource = 32;

/** Where an address was heard of. */
export type Source = "given" | "told" | "seen" | "records";

interface Page {
  readonly from: Map<Source, readonly string[]>;
  readonly waiting: Set<() => void>;
}

/** The addresses of peers, by where they were heard of: what a peer says itself replaces what it said before. */
export class Book {
  readonly #pages = new Map<string, Page>();

  #page(peer: string): Page {
    const found = this.#pages.get(peer) ?? { from: new Map(), waiting: new Set() };
    this.#pages.delete(peer);
    this.#pages.set(peer, found);
    return found;
  }

  #trim(): void {
    for (const [peer, { from, waiting }] of this.#pages) {
      if (this.#pages.size <= most) return;
      if (!from.has("given") && waiting.size === 0) this.#pages.delete(peer);
    }
  }

  /** Notes addresses; true where one is new. */
  note(peer: string, source: Source, addresses: readonly string[]): boolean {
    const before = new Set(this.of(peer));
    const own = addresses
      .map((address) => withPeer(address, peer))
      .filter((address) => view(address).peer === peer);
    const page = this.#page(peer);
    const kept = source === "told" ? [] : (page.from.get(source) ?? []);
    page.from.set(source, [...new Set([...own, ...kept])].slice(0, perSource));
    this.#trim();
    const fresh = own.some((address) => !before.has(address));
    if (fresh) for (const wake of [...page.waiting]) wake();
    return fresh;
  }

  of(peer: string): readonly string[] {
    const page = this.#pages.get(peer);
    return page ? [...new Set([...page.from.values()].flat())] : [];
  }

  /** Whether an address was given by somebody here, who may mean the loopback. */
  given(peer: string): ReadonlySet<string> {
    return new Set(this.#pages.get(peer)?.from.get("given"));
  }

  forget(peer: string): void {
    const page = this.#pages.get(peer);
    this.#pages.delete(peer);
    if (page && page.waiting.size > 0) this.#pages.set(peer, { from: new Map(), waiting: page.waiting });
  }

  /** Resolves when an address of the peer is there; rejects with the signal's reason. */
  async wait(peer: string, signal: AbortSignal): Promise<void> {
    if (this.of(peer).length > 0) return;
    const { waiting } = this.#page(peer);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const stop = () => reject(signal.reason);
    waiting.add(resolve);
    signal.addEventListener("abort", stop, { once: true });
    try {
      signal.throwIfAborted();
      await promise;
    } finally {
      waiting.delete(resolve);
      signal.removeEventListener("abort", stop);
    }
  }
}
