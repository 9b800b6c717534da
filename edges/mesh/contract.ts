import type { Clock } from "@skep/clock";

/** How a peer is reached: over addresses of its own, or through a relay. */
export type PathKind = "direct" | "relayed";

/** The transport that carries a connection. */
export type Transport = "tcp" | "quic" | "ws" | "wss" | "relay";

/** Which peer is on the other end of a stream, and how it is reached. */
export interface Far {
  /** Its PeerId; proven by the handshake. */
  readonly peer: string;
  readonly path: PathKind;
  readonly transport: Transport;
  /** The address that is spoken to. */
  readonly address: string;
  /** True where the TLS on the way is read by somebody, which the owner allowed. */
  readonly inspected: boolean;
}

/** What of a node:net socket a byte stream offers, for whoever serves sockets. */
export interface StreamSocket {
  on(event: "data", act: (bytes: Uint8Array) => void): unknown;
  on(event: "drain" | "close", act: () => void): unknown;
  on(event: "error", act: (cause: unknown) => void): unknown;
  write(bytes: Uint8Array): boolean;
  pause(): unknown;
  resume(): unknown;
  destroy(): unknown;
  destroySoon(): unknown;
  readonly writableNeedDrain: boolean;
}

/**
 * A two-way byte stream to a peer. It has no halves: when either side closes, what was written before still arrives and
 * then both directions are at their end. A cut may look like an end, so what is sent must tell its own length.
 */
export interface MeshStream extends Far, AsyncIterable<Uint8Array>, AsyncDisposable {
  /** Resolves when the stream has ended: with the cause where it was cut. */
  readonly closed: Promise<unknown>;
  /** Aborts when a better path to the peer stands: who can open again had better do so. This stream goes on. */
  readonly superseded: AbortSignal;
  /** Sends bytes, which nobody changes from then on; resolves when more are welcome. Throws `mesh.ended`. */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends the stream after what was written. */
  close(): Promise<void>;
  /** Cuts the stream; what is on the way is lost. */
  abort(cause?: unknown): void;
  /** The same stream as a socket; the two ways of reading exclude each other. */
  socket(): StreamSocket;
}

/** Where a reservation at a relay stands. */
export type ReservationState = "requesting" | "active" | "renewing" | "lost";

/** What happens in the mesh, as it happens. */
export type MeshEvent = { readonly at: number } & (
  | {
      readonly kind: "dial-failed";
      /** The address. */
      readonly target: string;
      readonly transport: Transport;
      readonly duration_ms: number;
      /** The root cause: an errno name where there is one. */
      readonly cause: string;
    }
  | {
      readonly kind: "connected";
      readonly peer: string;
      readonly path: PathKind;
      readonly address: string;
      readonly duration_ms?: number;
    }
  | {
      readonly kind: "disconnected";
      readonly peer: string;
      readonly path: PathKind;
      readonly address: string;
      readonly cause: string;
    }
  | {
      readonly kind: "path";
      readonly peer: string;
      readonly from: PathKind | "none";
      readonly to: PathKind | "none";
      readonly why: string;
    }
  | {
      readonly kind: "reservation";
      readonly relay: string;
      readonly state: ReservationState;
      readonly expires?: number;
      readonly why?: string;
    }
  | {
      readonly kind: "found";
      readonly peer: string;
      readonly by: "mdns" | "identify" | "records";
      readonly addresses: readonly string[];
    }
  | { readonly kind: "addresses"; readonly addresses: readonly string[] }
  | {
      readonly kind: "reachability";
      readonly state: "public" | "private";
      /** The peer that tried. */
      readonly by: string;
      /** Where it tried. */
      readonly address: string;
    }
  | {
      readonly kind: "mapped";
      readonly addresses: readonly string[];
      readonly by: "pcp" | "nat-pmp";
    }
  | {
      readonly kind: "inspected";
      readonly target: string;
      readonly pinned: string;
      readonly seen: string;
      readonly allowed: boolean;
    }
  | {
      readonly kind: "names";
      readonly name: string;
      readonly by: "system" | "https";
      readonly upstream?: string;
      readonly cause?: string;
    }
  | {
      readonly kind: "udp";
      readonly receive: number;
      readonly send: number;
      readonly wanted: number;
      readonly cure?: string;
    }
);

/** A peer that is connected, or that is meant to be. */
export interface PeerView {
  readonly peer: string;
  readonly path: PathKind | "none";
  readonly transport?: Transport;
  readonly address?: string;
  /** Milliseconds of the last round trip. */
  readonly latency?: number;
  readonly streams: number;
  /** Milliseconds since 1970 of the present path's start. */
  readonly since?: number;
  /** One line: why the path is what it is, and what is tried next. */
  readonly why: string;
  /** Milliseconds since 1970 of the next try for a direct path. */
  readonly retryAt?: number;
  readonly inspected: boolean;
}

/** What this node lends to peers that nobody reaches directly. */
export interface RelayLimits {
  /** Peers that may reserve at a time; 1,024 by default. */
  readonly reservations?: number;
  /** Milliseconds that a reservation lasts; one hour by default. */
  readonly ttl?: number;
  /** Streams relayed at a time for one peer; 64 by default. */
  readonly perPeer?: number;
  /** Bytes and seconds after which a relayed connection is cut; neither by default. */
  readonly bytes?: number;
  readonly seconds?: number;
}

/** Which values of the table count: asked where one is kept and where one is read. */
export interface ValueRule {
  /** Throws for a value that must not stand under this key. */
  check(key: string, value: Uint8Array): void;
  /** Which of two that both count is the better one: positive for the first. */
  compare(one: Uint8Array, other: Uint8Array): number;
}

/** What a mesh is started with. */
export interface MeshOptions {
  /** Seed of the Ed25519 identity, 32 bytes; the PeerId comes from its public key. */
  readonly key: Uint8Array;
  readonly clock: Clock;
  /** Where to listen, as multiaddrs; none for a node that only dials. */
  readonly listen?: readonly string[];
  /** Further addresses under which this node is reached: a forwarded port, a name. */
  readonly announce?: readonly string[];
  /** Addresses (with the peer's name) that are dialled at the start and kept connected. */
  readonly bootstrap?: readonly string[];
  /** Addresses (with the peer's name) of relays at which to reserve. */
  readonly relays?: readonly string[];
  /** Whether others may be relayed here. */
  readonly relay?: boolean | RelayLimits;
  readonly mdns?: boolean;
  /** Capability records in a distributed table. */
  readonly dht?: boolean;
  /** What may stand in the table as a value, by the first word of its key; nothing by default. */
  readonly values?: Readonly<Record<string, ValueRule>>;
  readonly quic?: boolean;
  readonly websocket?: boolean;
  /** Key and certificate for listening with TLS, PEM. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Asks the router for a port (PCP, NAT-PMP, UPnP). */
  readonly upnp?: boolean;
  /** Asks peers whether this node is reached from outside, and tells them the same; serves AutoNAT v2 to others. */
  readonly autonat?: boolean;
  /** SHA-256 of the public key (SPKI), 64 hex digits, that TLS at `host:port` must show. */
  readonly pins?: Readonly<Record<string, string>>;
  /** Whether TLS that somebody reads on the way is used all the same. */
  readonly allowInspection?: boolean;
  /** Authorities for TLS beside the system's, PEM. */
  readonly authorities?: readonly string[];
  /** Two or more DNS-over-HTTPS services (JSON) that are asked when the system cannot resolve a name. */
  readonly dnsOverHttps?: readonly string[];
  /** Most connections at a time; 12,000 by default. */
  readonly connections?: number;
  /**
   * Milliseconds between signs of life on a connection; 3,000 by default. On one that nobody used for half a minute five
   * thirds of it, or ten times as much where it is TCP without a relay: there the system's keep-alive cuts it after 8 s.
   * A sign unanswered for 3,500 cuts it.
   */
  readonly heartbeat?: number;
  /** Milliseconds for one address; 5,000 by default. */
  readonly dialTimeout?: number;
  /** A line for the operator. */
  readonly log?: (line: string) => void;
}

/** How a stream is asked for. */
export interface OpenOptions {
  readonly signal?: AbortSignal;
  /** Milliseconds until it must stand; 15,000 by default. */
  readonly timeout?: number;
}

/** What one peer may take of a protocol. */
export interface HandleLimits {
  /** Streams of one peer at a time; 1,024 by default. Further ones are cut. */
  readonly streams?: number;
}

/** One node's part of the mesh. */
export interface Mesh extends AsyncDisposable {
  /** This node's PeerId. */
  readonly peer: string;
  /** Where others reach this node, relays included; each ends with its PeerId. */
  addresses(): readonly string[];
  /** Where it listens, with the ports that were taken. */
  listening(): readonly string[];
  /** Serves a protocol; the stream ends when `serve` returns, and is cut when it throws. */
  handle(
    protocol: string,
    serve: (stream: MeshStream) => void | Promise<void>,
    limits?: HandleLimits,
  ): Promise<() => Promise<void>>;
  /**
   * Opens a stream to a peer, by its name or by addresses that contain it, over the best path that stands or can be made.
   * Throws `mesh.unreachable`, `.unknown`, `.late`, `.protocol`.
   */
  open(to: string | readonly string[], protocol: string, options?: OpenOptions): Promise<MeshStream>;
  /** Learns addresses of peers. */
  learn(addresses: readonly string[]): void;
  /** Keeps connected to a peer until the signal aborts: dials again, with growing pauses, whenever the last path ends. */
  keep(to: string | readonly string[], signal?: AbortSignal): void;
  /** Ends every connection to a peer and forgets it. */
  drop(peer: string): Promise<void>;
  /** The peers that are connected or kept. */
  peers(): readonly PeerView[];
  /** One of them; undefined where it is neither connected nor kept. */
  view(peer: string): PeerView | undefined;
  /** Why a peer is reached as it is, with the last failed dials. */
  why(peer: string): readonly string[];
  /** Events from now on; one who does not keep up loses the oldest. */
  watch(signal?: AbortSignal): AsyncIterable<MeshEvent>;
  /** Calls `act` for every event; returns what ends that. */
  on(act: (event: MeshEvent) => void): () => void;
  /** Tells the table that this node has what `key` names, and goes on telling. Throws `mesh.dht`. */
  provide(key: string, signal?: AbortSignal): Promise<void>;
  withdraw(key: string): Promise<void>;
  /** Who has what `key` names, without this node. Throws `mesh.dht`. */
  find(
    key: string,
    signal?: AbortSignal,
  ): AsyncIterable<{ readonly peer: string; readonly addresses: readonly string[] }>;
  /** Puts a value into the table under a key as `/space/name`, and nothing repeats it. Throws `mesh.dht`. */
  put(key: string, value: Uint8Array, signal?: AbortSignal): Promise<void>;
  /** The best value of the table under a key; undefined where there is none that counts. Throws `mesh.dht`. */
  get(key: string, signal?: AbortSignal): Promise<Uint8Array | undefined>;
  /** Resolves when everything has ended. */
  close(): Promise<void>;
}
