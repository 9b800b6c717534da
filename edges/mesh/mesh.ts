import type { Connection } from "@libp2p/interface";
import { multiaddr } from "@multiformats/multiaddr";
import { acceptor } from "./accept.ts";
import { acquaint } from "./acquaint.ts";
import { view } from "./addresses.ts";
import { Announcer } from "./announcer.ts";
import { beatProtocol } from "./beat.ts";
import { Beats } from "./beats.ts";
import { Book, type Source } from "./book.ts";
import { Connector } from "./connector.ts";
import type {
  HandleLimits,
  Mesh,
  MeshEvent,
  MeshOptions,
  MeshStream,
  OpenOptions,
  PeerView,
} from "./contract.ts";
import { DialReport, rootCause } from "./dial-report.ts";
import { Dialer } from "./dialer.ts";
import { Events } from "./events.ts";
import { fault } from "./faults.ts";
import { hopProtocol } from "./hop.ts";
import { Links } from "./links.ts";
import { Names } from "./names.ts";
import { type Node, startNode } from "./node.ts";
import { type Known, peerView, whyLines } from "./peer-view.ts";
import { Records } from "./records.ts";
import { askRelay } from "./relay-client.ts";
import { Ports } from "./ports.ts";
import { Reach, reachProtocol } from "./reach.ts";
import { Reservations } from "./reserve.ts";
import { Tunnels } from "./tunnel.ts";
import { udpBuffers } from "./udp.ts";
import { Upkeep } from "./upkeep.ts";

const openWithin = 15_000;
const streamsPerPeer = 1024;

class Libp2pMesh implements Mesh {
  peer = "";
  readonly #options: MeshOptions;
  readonly #events: Events;
  readonly #report: DialReport;
  readonly #tunnels: Tunnels;
  readonly #links: Links;
  readonly #beats: Beats;
  readonly #ports: Ports;
  readonly #reach: Reach;
  readonly #book = new Book();
  readonly #names: Names;
  readonly #upkeep: Upkeep;
  readonly #reservations: Reservations;
  /** Connected peers that relay. */
  readonly #relaying = new Set<string>();
  readonly #connector: Connector;
  readonly #announcer: Announcer;
  readonly #ended = new AbortController();
  #dialer: Dialer;
  #node: Node | undefined;
  #records: Records | undefined;

  constructor(options: MeshOptions) {
    const { clock } = options;
    this.#options = options;
    this.#events = new Events(clock);
    this.#report = new DialReport(this.#events, clock);
    this.#names = new Names(clock, this.#events, options.dnsOverHttps);
    this.#tunnels = new Tunnels(options, this.#events, this.#names);
    this.#links = new Links(clock, this.#events, this.#tunnels);
    this.#beats = new Beats(clock, options.heartbeat ?? 3000, this.#links, this.#ended.signal);
    this.#dialer = this.#newDialer("");
    this.#connector = new Connector({
      clock,
      book: this.#book,
      links: this.#links,
      dialer: () => this.#dialer,
      node: () => this.#running,
      ask: { network: options.mdns === true, table: options.dht === true },
      heard: (peer, addresses) => this.#heard(peer, "records", addresses),
      ended: this.#ended.signal,
    });
    this.#upkeep = new Upkeep({
      clock,
      links: this.#links,
      direct: (peer, signal) => this.#dialer.dial(peer, "direct", signal),
      any: (peer, signal) => this.#connector.connect(peer, signal),
    });
    this.#announcer = new Announcer({
      clock,
      events: this.#events,
      node: () => this.#node,
      given: options.announce ?? [],
      elsewhere: () => [this.#ports, this.#reach, this.#reservations].flatMap(({ addresses }) => addresses),
    });
    this.#ports = new Ports({
      clock,
      events: this.#events,
      bound: () => this.#node?.bound() ?? [],
      changed: () => this.#announcer.tell(),
    });
    this.#reach = new Reach({
      clock,
      events: this.#events,
      links: this.#links,
      bound: () => this.#node?.bound() ?? [],
      open: (peer, signal) => this.#open(peer, reachProtocol, signal),
      dial: (address, signal) => this.#running.dial(multiaddr(address), signal),
      changed: () => this.#announcer.tell(),
    });
    this.#reservations = new Reservations({
      clock,
      events: this.#events,
      relays: () => this.#relays(),
      ask: async (relay, signal) =>
        askRelay(await this.#connector.link(relay, signal), this.peer, signal, clock),
      changed: () => this.#announcer.tell(),
    });
  }

  #newDialer(own: string): Dialer {
    return new Dialer(
      {
        clock: this.#options.clock,
        book: this.#book,
        names: this.#names,
        node: () => this.#running,
        timeout: this.#options.dialTimeout ?? 5000,
        reach: (relay, signal) => this.#connector.link(relay, signal),
        unresolved: (address, thrown) => this.#report.failed(address, rootCause(thrown), 0),
      },
      own,
    );
  }

  get #running(): Node {
    if (!this.#node || this.#ended.signal.aborted) throw fault.closed();
    return this.#node;
  }

  async start(): Promise<void> {
    const options = this.#options;
    const node = await startNode(options, {
      announce: (verified) => this.#announcer.all(verified),
      report: this.#report,
      tunnels: this.#tunnels,
    });
    this.#node = node;
    const { libp2p } = node;
    this.peer = libp2p.peerId.toString();
    this.#dialer = this.#newDialer(this.peer);
    if (options.dht) this.#records = new Records(libp2p, options.clock);
    libp2p.addEventListener("connection:open", ({ detail }) => this.#opened(detail));
    libp2p.addEventListener("connection:close", ({ detail }) => this.#closed(detail));
    libp2p.addEventListener("peer:discovery", ({ detail }) =>
      this.#heard(detail.id.toString(), "seen", detail.multiaddrs.map(String)),
    );
    libp2p.addEventListener("peer:identify", ({ detail }) => {
      this.#heard(detail.peerId.toString(), "told", detail.listenAddrs.map(String));
      if (detail.protocols.includes(reachProtocol) && options.autonat)
        void this.#reach.met(detail.peerId.toString());
      if (!detail.protocols.includes(hopProtocol)) return;
      this.#relaying.add(detail.peerId.toString());
      this.#reservations.nudge();
    });
    await libp2p.handle(beatProtocol, (stream, connection) => this.#beats.answer(stream, connection), {
      runOnLimitedConnection: true,
    });
    if (options.autonat)
      await this.handle(reachProtocol, (stream) => this.#reach.answer(stream), { streams: 2 });
    if (options.quic) this.#events.tell(udpBuffers());
    this.learn([...(options.bootstrap ?? []), ...(options.relays ?? [])]);
    for (const peer of this.#peersIn(options.bootstrap ?? [])) this.keep(peer);
    this.#reservations.start();
    this.#announcer.start();
    if (options.upnp) this.#ports.start();
  }

  #peersIn(addresses: readonly string[]): Set<string> {
    const peers = addresses.map((address) => {
      const { peer } = view(address);
      if (peer === undefined)
        throw fault.address(address, { cure: "It must end with /p2p/ and the peer's name" });
      return peer;
    });
    return new Set(peers.filter((peer) => peer !== this.peer));
  }

  /** Relays of the configuration; without any, peers that relay, for a node that others cannot reach. */
  #relays(): readonly string[] {
    const configured = this.#peersIn(this.#options.relays ?? []);
    if (configured.size > 0) return [...configured];
    if (this.#announcer.own().some((address) => view(address).scope === "public")) return [];
    return [...this.#relaying];
  }

  #heard(peer: string, source: Source, addresses: readonly string[]): void {
    if (peer === this.peer || !this.#book.note(peer, source, addresses)) return;
    const by = source === "seen" ? "mdns" : source === "told" ? "identify" : "records";
    this.#events.tell({ kind: "found", peer, by, addresses });
    this.#upkeep.changed(peer, "addresses");
  }

  #opened(connection: Connection): void {
    if (this.#reach.isProbe(connection)) return;
    const link = this.#links.opened(connection);
    const { peer } = link.far;
    this.#upkeep.changed(peer, "path");
    this.#records?.grown();
    this.#beats.opened(link);
    acquaint(link, { clock: this.#options.clock, identify: this.#running.identify });
  }

  #closed(connection: Connection): void {
    const how = connection.status === "aborted" ? "it was cut" : "it was closed";
    const link = this.#links.closed(connection, how);
    if (!link) return;
    if (this.#links.of(link.far.peer).length === 0) this.#relaying.delete(link.far.peer);
    this.#upkeep.changed(link.far.peer, "path");
  }

  addresses(): readonly string[] {
    return this.#running.libp2p.getMultiaddrs().map(String);
  }

  listening(): readonly string[] {
    return this.#running.bound();
  }

  learn(addresses: readonly string[]): void {
    for (const address of addresses) {
      const { peer, relay } = view(address);
      if (peer === undefined)
        throw fault.address(address, { cure: "It must end with /p2p/ and the peer's name" });
      if (peer !== this.peer) this.#book.note(peer, "given", [address]);
      if (relay !== undefined) this.#book.note(relay, "given", [address.split("/p2p-circuit", 1)[0] ?? ""]);
    }
  }

  async open(
    to: string | readonly string[],
    protocol: string,
    options: OpenOptions = {},
  ): Promise<MeshStream> {
    const peer = this.#peerOf(to);
    const { clock } = this.#options;
    const limit = new AbortController();
    const timer = clock.after(options.timeout ?? openWithin, () => limit.abort(fault.late(peer)));
    const signals = [limit.signal, this.#ended.signal, ...(options.signal ? [options.signal] : [])];
    try {
      return await this.#open(peer, protocol, AbortSignal.any(signals));
    } finally {
      timer.stop();
    }
  }

  #peerOf(to: string | readonly string[]): string {
    if (typeof to === "string" && !to.startsWith("/")) return to;
    const addresses = typeof to === "string" ? [to] : to;
    this.learn(addresses);
    const peer = view(addresses[0] ?? "").peer;
    if (peer === undefined) throw fault.address(addresses[0] ?? "");
    return peer;
  }

  async #open(peer: string, protocol: string, signal: AbortSignal): Promise<MeshStream> {
    for (let tries = 0; ; tries++) {
      signal.throwIfAborted();
      const link = await this.#connector.link(peer, signal);
      try {
        const stream = await link.connection.newStream(protocol, {
          signal,
          runOnLimitedConnection: true,
          maxOutboundStreams: streamsPerPeer,
        });
        return this.#links.stream(stream, link, true);
      } catch (cause) {
        signal.throwIfAborted();
        if (cause instanceof Error && cause.name === "UnsupportedProtocolError")
          throw fault.protocol(protocol, { cause });
        // The path ended under the request: there may be another one.
        if (link.connection.status === "open" || tries === 3) throw fault.refused(peer, { cause });
      }
    }
  }

  async handle(
    protocol: string,
    serve: (stream: MeshStream) => void | Promise<void>,
    { streams = streamsPerPeer }: HandleLimits = {},
  ): Promise<() => Promise<void>> {
    const { libp2p } = this.#running;
    const serving = { protocol, serve, streams, links: this.#links, log: this.#options.log };
    // Counted by peer in `acceptor`; this is only what one connection may try.
    const most = { runOnLimitedConnection: true, maxInboundStreams: 4 * streamsPerPeer };
    await libp2p.handle(protocol, acceptor(serving), most);
    return () => libp2p.unhandle(protocol);
  }

  keep(to: string | readonly string[], signal?: AbortSignal): void {
    this.#upkeep.keep(this.#peerOf(to), signal);
  }

  async drop(peer: string): Promise<void> {
    this.#upkeep.drop(peer);
    this.#book.forget(peer);
    this.#report.forget(peer);
    for (const { connection } of this.#links.of(peer)) connection.abort(fault.ended(peer));
    const { peerIdFromString } = await import("@libp2p/peer-id");
    await this.#running.libp2p.peerStore.delete(peerIdFromString(peer));
  }

  peers(): readonly PeerView[] {
    const all = new Set([...this.#links.peers(), ...this.#upkeep.kept()]);
    return [...all].map((peer) => peerView(peer, this.#known));
  }

  view(peer: string): PeerView | undefined {
    const there = this.#links.of(peer).length > 0 || this.#upkeep.isKept(peer);
    return there ? peerView(peer, this.#known) : undefined;
  }

  why(peer: string): readonly string[] {
    return whyLines(peer, this.#known);
  }

  get #known(): Known {
    const { clock } = this.#options;
    return {
      links: this.#links,
      upkeep: this.#upkeep,
      report: this.#report,
      dialer: this.#dialer,
      now: () => clock.now(),
    };
  }

  watch(signal?: AbortSignal): AsyncIterable<MeshEvent> {
    return this.#events.watch(signal);
  }

  on(act: (event: MeshEvent) => void): () => void {
    return this.#events.on(act);
  }

  get #table(): Records {
    if (!this.#records) throw fault.dht();
    return this.#records;
  }

  async provide(key: string, signal?: AbortSignal): Promise<void> {
    await this.#table.provide(key, signal);
  }

  async withdraw(key: string): Promise<void> {
    await this.#table.withdraw(key);
  }

  async *find(
    key: string,
    signal?: AbortSignal,
  ): AsyncGenerator<{ peer: string; addresses: readonly string[] }> {
    for await (const { id, multiaddrs } of this.#table.find(key, signal)) {
      const peer = id.toString();
      this.#heard(peer, "records", multiaddrs.map(String));
      yield { peer, addresses: this.#book.of(peer) };
    }
  }

  put(key: string, value: Uint8Array, signal?: AbortSignal): Promise<void> {
    return this.#table.put(key, value, signal);
  }

  get(key: string, signal?: AbortSignal): Promise<Uint8Array | undefined> {
    return this.#table.get(key, signal);
  }

  async close(): Promise<void> {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort(fault.closed());
    this.#announcer.stop();
    this.#upkeep.stop();
    this.#records?.stop();
    await Promise.all([this.#reservations.stop(), this.#ports.stop()]);
    await this.#node?.libp2p.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Starts a mesh; loads libp2p. */
export async function startMesh(options: MeshOptions): Promise<Mesh> {
  const mesh = new Libp2pMesh(options);
  await mesh.start();
  return mesh;
}
