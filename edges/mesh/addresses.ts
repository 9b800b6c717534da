import { BlockList, isIP, isIPv6 } from "node:net";
import { type Multiaddr, multiaddr } from "@multiformats/multiaddr";
import type { Transport } from "./contract.ts";
import { fault } from "./faults.ts";

const local = new BlockList();
local.addSubnet("127.0.0.0", 8, "ipv4");
local.addAddress("::1", "ipv6");

const narrow = new BlockList();
for (const [net, bits] of [
  ["10.0.0.0", 8],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
  ["169.254.0.0", 16],
  ["100.64.0.0", 10],
] as const)
  narrow.addSubnet(net, bits, "ipv4");
for (const [net, bits] of [
  ["fc00::", 7],
  ["fe80::", 10],
] as const)
  narrow.addSubnet(net, bits, "ipv6");

const family = (host: string) => (isIPv6(host) ? "ipv6" : "ipv4");

/** What of an address decides how it is used. */
export interface AddressView {
  readonly text: string;
  readonly transport: Transport;
  /** The last peer in it: who is reached. */
  readonly peer: string | undefined;
  /** The peer of the relay that it passes. */
  readonly relay: string | undefined;
  readonly host: string;
  readonly port: number;
  readonly scope: "loopback" | "local" | "link" | "public" | "name";
}

/** Reads an address. Throws `mesh.address`. */
export function parse(text: string): Multiaddr {
  try {
    return multiaddr(text);
  } catch (cause) {
    throw fault.address(text, { cause });
  }
}

function scopeOf(host: string): AddressView["scope"] {
  if (isIP(host) === 0) return "name";
  if (local.check(host, family(host))) return "loopback";
  if (/^fe[89ab]/i.test(host) || host.startsWith("169.254.")) return "link";
  return narrow.check(host, family(host)) ? "local" : "public";
}

function transportOf(names: readonly string[]): Transport {
  if (names.includes("p2p-circuit")) return "relay";
  if (names.includes("quic-v1")) return "quic";
  if (names.includes("wss") || (names.includes("tls") && names.includes("ws"))) return "wss";
  return names.includes("ws") ? "ws" : "tcp";
}

const views = new Map<string, AddressView>();

function read(text: string): AddressView {
  const parts = parse(text).getComponents();
  const names = parts.map(({ name }) => name);
  const circuit = names.indexOf("p2p-circuit");
  const peers = parts
    .map(({ name, value }, at) => ({ name, value, at }))
    .filter(({ name }) => name === "p2p");
  const of = (names: readonly string[]) => parts.find(({ name }) => names.includes(name))?.value;
  const host = of(["ip4", "ip6", "dns", "dns4", "dns6", "dnsaddr"]) ?? "";
  return {
    text,
    transport: transportOf(names),
    peer: peers.filter(({ at }) => at > circuit).at(-1)?.value,
    relay: circuit < 0 ? undefined : peers.find(({ at }) => at < circuit)?.value,
    host,
    port: Number(of(["tcp", "udp"]) ?? 0),
    scope: scopeOf(host),
  };
}

/** What an address says. Throws `mesh.address`. */
export function view(text: string): AddressView {
  const known = views.get(text);
  if (known) return known;
  const made = read(text);
  if (views.size > 20_000) views.clear();
  views.set(text, made);
  return made;
}

/** An address without the peer at its end. */
export function withoutPeer(text: string): string {
  return text.replace(/\/p2p\/[^/]+$/, "");
}

/** An address that ends with the peer. */
export function withPeer(text: string, peer: string): string {
  return view(text).peer === peer ? text : `${text}/p2p/${peer}`;
}

/** Milliseconds that an address waits for those before it: TCP is fastest where it works, relays are the last. */
const pauses: Readonly<Record<Transport, number>> = { tcp: 0, quic: 250, ws: 500, wss: 500, relay: 800 };
/** What a relay waits where no other address is one that everybody reaches. */
const hidden = 300;

/** Addresses in the order of dialling, each with the milliseconds that it waits. */
export function inOrder(addresses: readonly string[]): { readonly address: string; readonly wait: number }[] {
  const views = [...new Set(addresses)].map(view);
  const open = views.some(({ transport, scope }) => transport !== "relay" && scope === "public");
  const pause = ({ transport }: AddressView) => (transport === "relay" && !open ? hidden : pauses[transport]);
  const far = ({ scope }: AddressView) => (scope === "public" ? 0 : 1);
  const sorted = views.sort((left, right) => pause(left) - pause(right) || far(left) - far(right));
  const [first] = sorted;
  return sorted.map((one) => ({ address: one.text, wait: pause(one) - (first ? pause(first) : 0) }));
}

/** What is offered on a host and port beside plain TCP, or in place of it. */
export interface Offered {
  readonly quic?: boolean;
  readonly websocket?: "plain" | "tls";
}

/** Multiaddrs for listening on a host and port; `::` and `*` are every address of the machine. */
export function listenAddresses(host: string, port: number, { quic, websocket }: Offered): string[] {
  const hosts = host === "::" || host === "*" ? ["0.0.0.0", "::"] : [host];
  const end = { none: "", plain: "/ws", tls: "/tls/ws" }[websocket ?? "none"];
  return hosts.flatMap((each) => {
    const at = isIP(each) === 0 ? `/dns/${each}` : `/ip${isIPv6(each) ? 6 : 4}/${each}`;
    return [`${at}/tcp/${port}${end}`, ...(quic ? [`${at}/udp/${port}/quic-v1`] : [])];
  });
}

/** The address without what only this machine or this link can use, if others are left. */
export function announced(addresses: readonly string[]): string[] {
  const wide = addresses.filter((address) => !["loopback", "link"].includes(view(address).scope));
  const left = wide.length > 0 ? wide : addresses.filter((address) => view(address).scope === "loopback");
  return [...new Set(left)];
}
