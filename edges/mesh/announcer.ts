import { multiaddr } from "@multiformats/multiaddr";
import type { Clock } from "@skep/clock";
import { announced, withoutPeer, withPeer } from "./addresses.ts";
import type { Events } from "./events.ts";
import type { Node } from "./node.ts";

/** Milliseconds between looks at the addresses of the interfaces. */
const lookAround = 15_000;

/** What tells our addresses is given. */
export interface Announcing {
  readonly clock: Clock;
  readonly events: Events;
  readonly node: () => Node | undefined;
  /** Addresses of the configuration: a forwarded port, a name. */
  readonly given: readonly string[];
  /** Addresses through relays and routers. */
  readonly elsewhere: () => readonly string[];
}

/** Tells peers our addresses, and tells them again when they change. */
export class Announcer {
  readonly #with: Announcing;
  #told = "";
  #watch: { stop(): void } | undefined;

  constructor(announcing: Announcing) {
    this.#with = announcing;
  }

  /** Addresses of the interfaces and of the configuration. */
  own(): readonly string[] {
    const { node, given } = this.#with;
    return announced([...(node()?.bound() ?? []), ...given].map(withoutPeer));
  }

  /** Everything that others are told; `verified` is what libp2p knows to be good. */
  all(verified: readonly string[]): readonly string[] {
    const peer = this.#with.node()?.libp2p.peerId.toString();
    if (peer === undefined) return [];
    const found = [...this.own(), ...[...verified, ...this.#with.elsewhere()].map(withoutPeer)];
    return announced(found).map((address) => withPeer(address, peer));
  }

  /** Tells everybody who is connected, where something has changed. */
  tell(): void {
    const { node, events } = this.#with;
    const { libp2p } = node() ?? {};
    if (libp2p?.status !== "started") return;
    const addresses = libp2p.getMultiaddrs().map(String);
    const text = [...addresses].sort().join(" ");
    if (text === this.#told) return;
    this.#told = text;
    events.tell({ kind: "addresses", addresses });
    const multiaddrs = addresses.map((address) => multiaddr(withoutPeer(address)));
    void libp2p.peerStore.patch(libp2p.peerId, { multiaddrs }).catch(() => undefined);
  }

  start(): void {
    this.tell();
    this.#watch = this.#with.clock.after(lookAround, () => this.start());
  }

  stop(): void {
    this.#watch?.stop();
  }
}
