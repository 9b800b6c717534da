import { isIPv4, isIPv6 } from "node:net";
import type { Reading } from "@skep/edge-cli";

/** Where an edge listens. Port 0 is any free one. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** An edge's address, or false where it is off. */
export type Listen = Address | false;

const expected = "off, on, a port, host:port or [v6]:port";

function portOf(text: string): number | undefined {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  return port <= 65_535 ? port : undefined;
}

const hostName = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i;

function isHost(text: string): boolean {
  // A name of digits and dots that is no address would be looked up as one.
  return isIPv4(text) || (hostName.test(text) && !/^[\d.]+$/.test(text));
}

/** Reads `off`, `on` (`usual`), `7780` (on the host of `usual`), `host:port` or `[v6]:port`. */
export function parseAddress(text: string, usual: Address): Reading<Listen> {
  if (text === "off") return { ok: true, value: false };
  if (text === "on") return { ok: true, value: usual };
  const alone = portOf(text);
  if (alone !== undefined) return { ok: true, value: { host: usual.host, port: alone } };
  const [, six, four, digits = ""] = /^(?:\[([^\]]*)\]|([^:]+)):(\d+)$/.exec(text) ?? [];
  const port = portOf(digits);
  const host = six ?? four;
  if (host === undefined || port === undefined) return { ok: false, expected };
  const good = six === undefined ? isHost(host) : isIPv6(host) && !host.includes("%");
  return good ? { ok: true, value: { host, port } } : { ok: false, expected };
}

/** `[::1]:80`, `127.0.0.1:80`, `off`: what `parseAddress` reads back. */
export function formatAddress(listen: Listen): string {
  if (listen === false) return "off";
  return `${listen.host.includes(":") ? `[${listen.host}]` : listen.host}:${listen.port}`;
}

/** True for addresses that only this machine reaches; of names only `localhost` is trusted to be one. */
export function isLoopback(host: string): boolean {
  if (host.toLowerCase() === "localhost") return true;
  if (isIPv4(host)) return host.startsWith("127.");
  if (!isIPv6(host)) return false;
  // The URL parser writes every form of a v6 address in its one canonical form.
  const canonical = new URL(`http://[${host}]`).hostname.slice(1, -1);
  return canonical === "::1" || /^::ffff:7f[0-9a-f]{2}:/.test(canonical);
}
