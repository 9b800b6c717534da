import type { Connection } from "@libp2p/interface";
import { peerIdFromString } from "@libp2p/peer-id";
import type { Clock } from "@skep/clock";
import type { Book } from "./book.ts";
import type { Dialer } from "./dialer.ts";
import { fault } from "./faults.ts";
import type { Link, Links } from "./links.ts";
import type { Node } from "./node.ts";

/** Milliseconds after which one dial of all addresses has had its time. */
const dialWithin = 30_000;

/** What makes connections is given. */
export interface Connecting {
  readonly clock: Clock;
  readonly book: Book;
  readonly links: Links;
  readonly dialer: () => Dialer;
  readonly node: () => Node;
  /** Who may tell addresses of a peer that is only known by name. */
  readonly ask: { readonly network: boolean; readonly table: boolean };
  readonly heard: (peer: string, addresses: readonly string[]) => void;
  readonly ended: AbortSignal;
}

function rejectOn(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

/** Gives the connection to a peer: the one that stands, or one dial for all that want it. */
export class Connector {
  readonly #with: Connecting;
  readonly #running = new Map<string, Promise<Connection>>();

  constructor(connecting: Connecting) {
    this.#with = connecting;
  }

  /** Ends by its own time, whoever of those that wait for it gives up. Throws `mesh.unreachable`, `.unknown`. */
  connect(peer: string, signal: AbortSignal): Promise<Connection> {
    const running = this.#running.get(peer) ?? this.#start(peer, signal);
    return Promise.race([running, rejectOn(signal)]);
  }

  async link(peer: string, signal: AbortSignal): Promise<Link> {
    const { links } = this.#with;
    return links.best(peer) ?? links.opened(await this.connect(peer, signal));
  }

  #start(peer: string, signal: AbortSignal): Promise<Connection> {
    const { clock, dialer, ended } = this.#with;
    const dialing = this.#find(peer, signal).then(() => {
      const limit = new AbortController();
      const timer = clock.after(dialWithin, () => limit.abort(new Error("ETIMEDOUT")));
      return dialer()
        .dial(peer, "any", AbortSignal.any([limit.signal, ended]))
        .finally(() => timer.stop());
    });
    this.#running.set(peer, dialing);
    const done = () => void this.#running.delete(peer);
    dialing.then(done, done);
    return dialing;
  }

  /** Waits for an address, where somebody may tell one. */
  async #find(peer: string, signal: AbortSignal): Promise<void> {
    const { book, ask, ended } = this.#with;
    if (book.of(peer).length > 0) return;
    if (!ask.network && !ask.table) throw fault.unknown(peer);
    const either = AbortSignal.any([signal, ended]);
    if (ask.table) void this.#lookUp(peer, either);
    await book.wait(peer, either).catch((cause) => {
      throw fault.unknown(peer, { cause });
    });
  }

  async #lookUp(peer: string, signal: AbortSignal): Promise<void> {
    const { node, heard } = this.#with;
    const routing = node().libp2p.peerRouting;
    const info = await routing.findPeer(peerIdFromString(peer), { signal }).catch(() => undefined);
    if (info) heard(peer, info.multiaddrs.map(String));
  }
}
