import type { Connection, Stream } from "@libp2p/interface";
import type { Clock } from "@skep/clock";
import { multiaddr } from "@multiformats/multiaddr";
import { view } from "./addresses.ts";
import type { Far, PathKind } from "./contract.ts";
import type { Events } from "./events.ts";
import { ByteStream } from "./stream.ts";
import type { Tunnels } from "./tunnel.ts";

/** A connection that stands. */
export interface Link {
  readonly connection: Connection;
  readonly far: Far;
  readonly since: number;
  readonly streams: Set<ByteStream>;
  /** Aborts when a better path stands; another one when that is gone, for the streams that begin then. */
  superseded: AbortController;
  /** Aborts when the connection has ended. */
  readonly ended: AbortController;
  rtt: number | undefined;
  /** Whether the other side has begun to give signs of life. */
  alive: boolean;
  /** Something is sent that is more than a sign of life. */
  used: () => void;
}

/** Milliseconds after which a relayed connection that nobody uses is ended once a direct one stands. */
const idle = 5000;

function farOf(connection: Connection, tunnels: Tunnels): Far {
  const { host, port } = view(connection.remoteAddr.toString());
  const behind = tunnels.behind(`${host}:${port}`);
  if (behind) connection.remoteAddr = multiaddr(behind.address);
  const address = connection.remoteAddr.toString();
  const { transport } = view(address);
  const path: PathKind = transport === "relay" ? "relayed" : "direct";
  return {
    peer: connection.remotePeer.toString(),
    path,
    transport,
    address,
    inspected: behind?.inspected ?? false,
  };
}

/** The connections that stand, by peer, and which of them is the path. */
export class Links {
  readonly #clock: Clock;
  readonly #events: Events;
  readonly #tunnels: Tunnels;
  readonly #byPeer = new Map<string, Link[]>();

  constructor(clock: Clock, events: Events, tunnels: Tunnels) {
    this.#clock = clock;
    this.#events = events;
    this.#tunnels = tunnels;
  }

  peers(): Iterable<string> {
    return this.#byPeer.keys();
  }

  of(peer: string): readonly Link[] {
    return this.#byPeer.get(peer) ?? [];
  }

  /** The link that new streams take: direct before relayed, then the one with the shorter way. */
  best(peer: string): Link | undefined {
    const open = this.of(peer).filter(({ connection }) => connection.status === "open");
    const rank = ({ far, rtt }: Link) => (far.path === "relayed" ? 1e9 : 0) + (rtt ?? 1000);
    return open.sort((left, right) => rank(left) - rank(right))[0];
  }

  path(peer: string): PathKind | "none" {
    return this.best(peer)?.far.path ?? "none";
  }

  linkOf(connection: Connection): Link | undefined {
    return this.of(connection.remotePeer.toString()).find((link) => link.connection.id === connection.id);
  }

  opened(connection: Connection): Link {
    const known = this.linkOf(connection);
    if (known) return known;
    const far = farOf(connection, this.#tunnels);
    const before = this.path(far.peer);
    const link: Link = {
      connection,
      far,
      since: this.#clock.now(),
      streams: new Set(),
      superseded: new AbortController(),
      ended: new AbortController(),
      rtt: undefined,
      alive: false,
      used: () => undefined,
    };
    this.#byPeer.set(far.peer, [...this.of(far.peer), link]);
    this.#events.tell({ kind: "connected", peer: far.peer, path: far.path, address: far.address });
    this.#changed(
      far.peer,
      before,
      `${far.transport} ${connection.direction === "inbound" ? "from" : "to"} ${far.address}`,
    );
    if (far.path === "direct") for (const other of this.of(far.peer)) this.#supersede(other);
    else if (this.path(far.peer) === "direct") this.#supersede(link);
    return link;
  }

  #supersede(link: Link): void {
    if (link.far.path === "direct") return;
    link.superseded.abort(new Error("a direct path stands"));
    this.#endIdle(link);
  }

  #endIdle(link: Link): void {
    const again = this.#clock.after(idle, () => {
      if (link.ended.signal.aborted || this.path(link.far.peer) !== "direct") return;
      if (link.streams.size === 0)
        void link.connection.close().catch((error: Error) => link.connection.abort(error));
      else this.#endIdle(link);
    });
    link.ended.signal.addEventListener("abort", () => again.stop(), { once: true });
  }

  closed(connection: Connection, cause: string): Link | undefined {
    const link = this.linkOf(connection);
    if (!link) return undefined;
    const { peer, path, address } = link.far;
    const before = this.of(peer).some(({ far }) => far.path === "direct") ? "direct" : "relayed";
    const left = this.of(peer).filter((other) => other !== link);
    if (left.length > 0) this.#byPeer.set(peer, left);
    else this.#byPeer.delete(peer);
    link.ended.abort(new Error(cause));
    if (this.path(peer) !== "direct")
      for (const other of left) if (other.superseded.signal.aborted) other.superseded = new AbortController();
    this.#events.tell({ kind: "disconnected", peer, path, address, cause });
    this.#changed(peer, before, cause);
    return link;
  }

  #changed(peer: string, from: PathKind | "none", why: string): void {
    const to = this.path(peer);
    if (from !== to) this.#events.tell({ kind: "path", peer, from, to, why });
  }

  /** A stream of ours or theirs as everybody sees it; counted for its link when `counted`. */
  stream(stream: Stream, link: Link, counted: boolean): ByteStream {
    const used = counted ? () => link.used() : () => undefined;
    const made = new ByteStream(stream, link.far, link.superseded.signal, this.#clock, used);
    if (!counted) return made;
    link.streams.add(made);
    void made.closed.then(() => link.streams.delete(made));
    return made;
  }
}
