import { address, file, integer, meshAddress, words, yesNo } from "./kinds.ts";
import { setting } from "./setting.ts";

const remote = "remote 9P is the mesh, so this edge binds loopback only";
const peer = (word: string) =>
  /^\/.*\/p2p\/\w+$/.test(word) ? undefined : "expected an address such as /ip4/192.0.2.1/tcp/7781/p2p/PEER";
const multiaddr = (word: string) =>
  word.startsWith("/") ? undefined : "expected an address such as /dns/hive.example/tcp/7781";
const pin = (word: string) =>
  /^[^=\s]+:\d+=[0-9a-f]{64}$/i.test(word) ? undefined : "expected HOST:PORT=SHA256, 64 hex digits";
const https = (word: string) =>
  /^https:\/\/\S+$/.test(word) ? undefined : "expected an address with https://";
const clear = "the console has no encryption, so it binds loopback only";

/** Where the mesh listens when nothing else is said. */
export const usualMesh = { host: "::", port: 7781 } as const;

/** Where the hive listens, and how machines reach each other. */
export const reach = {
  "listen.http": setting(
    address({ host: "127.0.0.1", port: 7780 }),
    { host: "127.0.0.1", port: 7780 },
    "Where HTTP listens",
    { env: "SKEP_HTTP", flag: "http" },
  ),
  "listen.9p": setting(
    address({ host: "127.0.0.1", port: 5640 }, { why: remote }),
    { host: "127.0.0.1", port: 5640 },
    "Where 9P listens; loopback only",
    { env: "SKEP_9P", flag: "9p" },
  ),
  "listen.console": setting(
    address({ host: "127.0.0.1", port: 31337 }, { why: clear }),
    false,
    "Where the console listens; loopback only",
    { env: "SKEP_CONSOLE", flag: "console" },
  ),
  "listen.mesh": setting(
    meshAddress(usualMesh),
    "invited",
    "Where the mesh listens for other machines, TCP and QUIC; `invited` means on [::]:7781, which is IPv4 too, once one is invited",
    { env: "SKEP_MESH", flag: "mesh" },
  ),

  "mesh.relay": setting(yesNo(), false, "Whether machines that nobody reaches directly are relayed here", {
    flag: "relay",
  }),
  "mesh.relay_reservations": setting(integer(1, 65_536), 1024, "Peers that may be relayed here at a time"),
  "mesh.relay_per_peer": setting(integer(1, 4096), 64, "Connections relayed at a time for one peer"),
  "mesh.relays": setting(
    words("ADDRESS…", peer),
    [],
    "Relays at which to reserve, so that others reach this node",
  ),
  "mesh.bootstrap": setting(words("ADDRESS…", peer), [], "Peers that are connected to at the start"),
  "mesh.announce": setting(
    words("ADDRESS…", multiaddr),
    [],
    "Further addresses of this node: a forwarded port, a name",
  ),
  "mesh.quic": setting(yesNo(), true, "Offer QUIC beside TCP"),
  "mesh.websocket": setting(
    address({ host: "::", port: 443 }),
    false,
    "Where WebSocket is offered, with TLS when there is a certificate",
  ),
  "mesh.tls_certificate": setting(file(), "", "Certificate for WebSocket with TLS, PEM"),
  "mesh.tls_key": setting(file(), "", "Its key, PEM"),
  "mesh.mdns": setting(yesNo(), true, "Find peers on the local network and be found there"),
  "mesh.records": setting(yesNo(), true, "Take part in the table of who offers what"),
  "mesh.port_mapping": setting(yesNo(), true, "Ask the router for a port (PCP, NAT-PMP, UPnP)"),
  "mesh.reachability": setting(
    yesNo(),
    true,
    "Let peers check which addresses of this node are reached (AutoNAT)",
  ),
  "mesh.pins": setting(
    words("HOST:PORT=SHA256…", pin),
    [],
    "SHA-256 of the public key that TLS of a relay must show",
  ),
  "mesh.allow_inspection": setting(
    yesNo(),
    false,
    "Use TLS whose pin does not match, because your own proxy reads it; such peers are marked",
  ),
  "mesh.dns_over_https": setting(
    words("URL…", https),
    ["https://1.1.1.1/dns-query", "https://8.8.8.8/resolve"],
    "Services that resolve names when the system cannot; `none` asks nobody",
  ),
  "mesh.connections": setting(integer(16, 100_000), 12_000, "Most connections of the mesh at a time"),
};
