import type { Connection } from "@libp2p/interface";
import { type Clock, delay } from "@skep/clock";
import { inOrder, parse, view } from "./addresses.ts";
import type { Book } from "./book.ts";
import { won } from "./dial-report.ts";
import { fault } from "./faults.ts";
import type { Names } from "./names.ts";
import { handshakeWithin, type Node } from "./node.ts";

/** What a dialer works with. */
export interface Dialing {
  readonly clock: Clock;
  readonly book: Book;
  readonly names: Names;
  readonly node: () => Node;
  /** Milliseconds for one address. */
  readonly timeout: number;
  /** Makes sure that a relay is connected, by its own addresses. */
  readonly reach: (relay: string, signal: AbortSignal) => Promise<unknown>;
  readonly unresolved: (address: string, thrown: unknown) => void;
}

/** Milliseconds that the far end of a relay has more than a plain address. */
const relayed = 5000;

/** Dials the addresses of a peer, the better ones first, the next ones before those have failed. */
export class Dialer {
  readonly #with: Dialing;
  readonly #own: string;

  constructor(dialing: Dialing, own: string) {
    this.#with = dialing;
    this.#own = own;
  }

  /** The addresses of a peer that are worth a dial. */
  candidates(peer: string, kind: "any" | "direct"): readonly string[] {
    const { book } = this.#with;
    const given = book.given(peer);
    const usable = book.of(peer).filter((address) => {
      const { relay, scope } = view(address);
      return (
        relay !== this.#own && relay !== peer && scope !== "link" && (kind === "any" || relay === undefined)
      );
    });
    const wide = usable.filter((address) => view(address).scope !== "loopback" || given.has(address));
    // Only who says nothing but a loopback address of itself can be meant by one.
    return wide.length > 0 ? wide : usable;
  }

  async #expanded(addresses: readonly string[]): Promise<string[]> {
    const { names, unresolved } = this.#with;
    const found = await Promise.all(
      addresses.map((address) =>
        names.expand(address).catch((thrown: unknown) => {
          unresolved(address, thrown);
          return [];
        }),
      ),
    );
    return found.flat();
  }

  async #attempt(address: string, signal: AbortSignal): Promise<Connection> {
    const { clock, timeout, node, reach } = this.#with;
    const { relay } = view(address);
    // Its own signal: a socket stays bound to the one that it was dialled with, and dies when that aborts.
    const own = new AbortController();
    const end = () => own.abort(signal.reason);
    const late = () => own.abort(new Error("ETIMEDOUT"));
    let timer = clock.after(relay === undefined ? timeout : timeout + relayed, late);
    // One who answers is there, and may have many others to shake hands with.
    const answered = () => {
      timer.stop();
      timer = clock.after(handshakeWithin, late);
    };
    signal.addEventListener("abort", end, { once: true });
    try {
      if (relay !== undefined) await reach(relay, own.signal);
      return await node().dial(parse(address), own.signal, answered);
    } finally {
      timer.stop();
      signal.removeEventListener("abort", end);
    }
  }

  /** Throws `mesh.unreachable` with every failure as its cause. */
  async dial(peer: string, kind: "any" | "direct", signal: AbortSignal): Promise<Connection> {
    const steps = inOrder(await this.#expanded(this.candidates(peer, kind)));
    if (steps.length === 0) throw fault.unknown(peer);
    const rest = new AbortController();
    const stop = AbortSignal.any([signal, rest.signal]);
    const hurry = Promise.withResolvers<void>();
    let running = 0;
    const dials = steps.map(async ({ address, wait }) => {
      const begin = new AbortController();
      const due = delay(this.#with.clock, wait, AbortSignal.any([stop, begin.signal]));
      due.catch(() => undefined);
      await Promise.race([due, hurry.promise]);
      begin.abort(won);
      stop.throwIfAborted();
      running += 1;
      try {
        const connection = await this.#attempt(address, stop);
        // Better addresses that are slower than a relay may still answer, and are an upgrade then.
        if (view(address).relay === undefined) rest.abort(won);
        return connection;
      } finally {
        running -= 1;
        if (running === 0) hurry.resolve();
      }
    });
    try {
      return await Promise.any(dials);
    } catch (cause) {
      if (signal.aborted) throw signal.reason;
      throw fault.unreachable(peer, { cause });
    }
  }
}
