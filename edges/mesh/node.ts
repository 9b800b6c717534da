import { circuitRelayServer, circuitRelayTransport } from "@libp2p/circuit-relay-v2";
import { generateKeyPairFromSeed } from "@libp2p/crypto/keys";
import { identify, identifyPush } from "@libp2p/identify";
import type { ComponentLogger, Connection, Libp2p, Logger, PeerId } from "@libp2p/interface";
import { noise } from "@libp2p/noise";
import { ping } from "@libp2p/ping";
import { tcp } from "@libp2p/tcp";
import { yamux } from "@libp2p/yamux";
import { type Multiaddr, multiaddr } from "@multiformats/multiaddr";
import { createLibp2p, type Libp2pOptions } from "libp2p";
import { Admission } from "./admission.ts";
import type { MeshOptions, RelayLimits } from "./contract.ts";
import type { DialReport } from "./dial-report.ts";
import { fault } from "./faults.ts";
import { noiseCrypto, signing } from "./noise-crypto.ts";
import { type Factory, observed } from "./observed.ts";
import type { Tunnels } from "./tunnel.ts";
import { whole } from "./whole.ts";

const hop = "/libp2p/circuit/relay/0.2.0/hop";

/** Milliseconds that a handshake may take, the wait for its turn included. */
export const handshakeWithin = 20_000;

type Components = Parameters<Factory>[0];

/** Of the services what is called here. */
interface Known {
  readonly identify: { identify(connection: Connection): Promise<unknown> };
}

/** The libp2p node, and what of its inside is used. */
export interface Node {
  readonly libp2p: Libp2p;
  /**
   * Dials one address over its transport, without the queue that would join dials of one peer. Calls `answered` when somebody
   * is there and the handshake begins.
   */
  dial(address: Multiaddr, signal: AbortSignal, answered?: () => void): Promise<Connection>;
  /** Asks the other side for its protocols and addresses, which come as libp2p's event too. */
  identify(connection: Connection): Promise<unknown>;
  /** Addresses of the interfaces that are listened on. */
  bound(): string[];
}

/** What the node asks of the mesh around it. */
export interface Around {
  /** The addresses that others are told; `verified` are those that libp2p knows to be good. */
  announce(verified: readonly string[]): readonly string[];
  readonly report: DialReport;
  readonly tunnels: Tunnels;
}

const silent: Logger = Object.assign(() => {}, {
  error: () => {},
  trace: () => {},
  enabled: false,
  newScope: () => silent,
});
/** Formatting what nobody reads costs more than sending it. */
const logger: ComponentLogger = { forComponent: () => silent };

function limitsOf(relay: boolean | RelayLimits | undefined): RelayLimits | undefined {
  return relay === true ? {} : relay || undefined;
}

function circuitsOf(node: () => Libp2p, peer: PeerId): number {
  const all = node().getConnections(peer);
  return all.reduce((sum, { streams }) => sum + streams.filter(({ protocol }) => protocol === hop).length, 0);
}

async function transports({ quic, websocket, tls, log }: MeshOptions, around: Around): Promise<Factory[]> {
  const { report, tunnels } = around;
  const patient = { inboundSocketInactivityTimeout: 0, outboundSocketInactivityTimeout: 0, backlog: 1024 };
  // We reserve ourselves (reserve.ts), because a lost reservation is never asked for again here.
  const deaf = (transport: ReturnType<Factory>) => Object.assign(transport, { listenFilter: () => [] });
  const found: Factory[] = [
    observed(tcp(patient), report),
    observed((components) => deaf(circuitRelayTransport()(components as never)), report),
  ];
  if (quic) {
    try {
      const made = (await import("@chainsafe/libp2p-quic")).quic({
        keepAliveInterval: 15_000,
        maxIdleTimeout: 30_000,
      });
      found.push(observed(made, report));
    } catch (cause) {
      log?.(`mesh: no QUIC on this machine: ${String(cause)}`);
    }
  }
  if (websocket) {
    const { webSockets } = await import("@libp2p/websockets");
    found.push(observed(tunnels.through(webSockets(tls ? { https: tls } : {})), report));
  }
  return found;
}

function rules(values: NonNullable<MeshOptions["values"]>) {
  const spaces = Object.entries(values);
  const text = (key: Uint8Array): string => Buffer.from(key).toString();
  return {
    validators: Object.fromEntries(
      spaces.map(([space, { check }]) => [
        space,
        async (key: Uint8Array, value: Uint8Array) => check(text(key), value),
      ]),
    ),
    selectors: Object.fromEntries(
      spaces.map(([space, { compare }]) => [
        space,
        (_key: Uint8Array, found: Uint8Array[]) =>
          found.reduce((best, one, at) => (compare(one, found[best] ?? one) > 0 ? at : best), 0),
      ]),
    ),
  };
}

async function extras({
  autonat,
  dht,
  upnp,
  values = {},
}: MeshOptions): Promise<Record<string, (components: never) => unknown>> {
  const found: Record<string, (components: never) => unknown> = {};
  if (autonat) found.autonat = (await import("@libp2p/autonat-v2")).autoNATv2() as never;
  if (upnp) found.upnp = (await import("@libp2p/upnp-nat")).uPnPNAT({ autoConfirmAddress: true }) as never;
  if (dht) {
    const { kadDHT, passthroughMapper } = await import("@libp2p/kad-dht");
    found.dht = kadDHT({
      protocol: "/skep/kad/1.0.0",
      clientMode: false,
      allowQueryWithZeroPeers: true,
      peerInfoMapper: passthroughMapper,
      ...rules(values),
    }) as never;
  }
  return found;
}

function relayService({ reservations = 1024, ttl = 3_600_000, perPeer = 64, bytes, seconds }: RelayLimits) {
  return circuitRelayServer({
    maxInboundHopStreams: perPeer + 4,
    maxOutboundStopStreams: 4096,
    reservations: {
      maxReservations: reservations,
      reservationTtl: ttl,
      applyDefaultLimit: bytes !== undefined || seconds !== undefined,
      defaultDataLimit: BigInt(bytes ?? Number.MAX_SAFE_INTEGER),
      defaultDurationLimit: seconds === undefined ? 2 ** 31 - 1 : seconds * 1000,
    },
  });
}

function listenFault(cause: unknown): unknown {
  const text = cause instanceof Error ? cause.message : String(cause);
  const at = /^ {2}(\/\S+): /m.exec(text)?.[1] ?? "";
  return /EADDRINUSE|address already in use/i.test(text)
    ? fault.taken(at, { cause })
    : fault.listen(at, { cause });
}

/** Starts a node. Throws `mesh.key`, `.taken`, `.listen`. */
export async function startNode(options: MeshOptions, around: Around): Promise<Node> {
  if (options.key.length !== 32) throw fault.key();
  const relay = limitsOf(options.relay);
  const admission = new Admission(options.clock);
  let inside: Components | undefined;
  const node = (): Libp2p => libp2p;
  const discovery = options.mdns
    ? [(await import("@libp2p/mdns")).mdns({ serviceTag: "_skep._udp.local", interval: 10_000 })]
    : [];
  const services = {
    identify: identify({ runOnConnectionOpen: false }),
    identifyPush: identifyPush({ debounce: 200 }),
    ping: ping(),
    inside: (components: Components) => {
      inside = components;
      return {};
    },
    ...(relay && { relay: relayService(relay) }),
    ...(await extras(options)),
  };
  const libp2p = await createLibp2p({
    privateKey: signing(await generateKeyPairFromSeed("Ed25519", options.key), options.key),
    nodeInfo: { name: "skep", userAgent: "skep" },
    logger,
    addresses: {
      listen: [...(options.listen ?? [])],
      announceFilter: (verified) => around.announce(verified.map(String)).map((text) => multiaddr(text)),
    },
    transports: await transports(options, around),
    connectionEncrypters: [whole(noise({ crypto: noiseCrypto }))],
    streamMuxers: [
      yamux({
        enableKeepAlive: false,
        maxInboundStreams: 4096,
        maxOutboundStreams: 4096,
        maxEarlyStreams: 64,
      }),
    ],
    peerDiscovery: discovery,
    connectionMonitor: { enabled: false },
    connectionManager: {
      maxConnections: options.connections ?? 12_000,
      inboundConnectionThreshold: 1000,
      maxIncomingPendingConnections: 1000,
      dialTimeout: 2 * (options.dialTimeout ?? 5000),
      addressDialTimeout: options.dialTimeout ?? 5000,
      inboundUpgradeTimeout: handshakeWithin,
    },
    connectionGater: {
      denyInboundConnection: (connection) => admission.enter(connection),
      denyInboundUpgradedConnection: (_peer, connection) => admission.leave(connection),
      denyDialMultiaddr: () => false,
      denyOutboundRelayedConnection: (source) =>
        relay !== undefined && circuitsOf(node, source) > (relay.perPeer ?? 64),
    },
    services: services as NonNullable<Libp2pOptions["services"]>,
    start: false,
  });
  try {
    await libp2p.start();
  } catch (cause) {
    await libp2p.stop();
    throw listenFault(cause);
  }
  const components = inside;
  if (!components) throw fault.listen("its components are not there");
  return {
    libp2p,
    dial: (address, signal, answered) =>
      components.transportManager.dial(address, {
        signal,
        // Its type names the events of its own, but those of the upgrade come here too.
        onProgress: ({ type }: { type: string }) => {
          if (type === "upgrader:encrypt-outbound-connection") answered?.();
        },
      }),
    identify: (connection) => (libp2p.services as unknown as Known).identify.identify(connection),
    bound: () => components.transportManager.getAddrs().map(String),
  };
}
