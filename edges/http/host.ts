import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { fault } from "./faults.ts";

const loopback = /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/;
/** Headers of which a second one would let two readers see two requests. */
const single = new Set([
  "host",
  "origin",
  "authorization",
  "content-length",
  "content-type",
  "transfer-encoding",
  "cookie",
  "x-cohesix-auth",
  "x-cohesix-ticket",
  "x-skep-proof",
  "x-skep-body",
  "idempotency-key",
  "upload-offset",
  "traceparent",
]);

/** True for names and addresses that lead nowhere but here. */
export function isLoopback(host: string): boolean {
  return loopback.test(host);
}

/** Which names a request may use for this edge, and where pages may come from. */
export class Hosts {
  readonly #names: readonly string[];
  readonly #tls: boolean;

  constructor(names: readonly string[], tls: boolean) {
    this.#names = names.map((name) => name.toLowerCase());
    this.#tls = tls;
  }

  #isKnown(host: string): boolean {
    const name = host.replace(/:\d+$/, "").toLowerCase();
    return isLoopback(name) || this.#names.includes(name);
  }

  /** Names of other sites that were made to lead here (DNS rebinding) get nothing. Throws `http.host`. */
  check({ headers: { host = "" } }: IncomingMessage): void {
    if (!this.#isKnown(host)) throw fault.host(host);
  }

  /** Scheme, host and port that a page which asked this way has. Others than loopback have TLS here or in front. */
  originOf({ host = "" }: IncomingHttpHeaders): string {
    const name = host.replace(/:\d+$/, "").toLowerCase();
    const scheme = this.#tls || !isLoopback(name) ? "https" : "http";
    return `${scheme}://${host.toLowerCase()}`;
  }

  /** Throws `http.origin` where the request is of a page that is not ours. */
  checkOrigin(headers: IncomingHttpHeaders): void {
    const { origin } = headers;
    if (origin !== undefined && origin.toLowerCase() !== this.originOf(headers)) throw fault.origin(origin);
    const site = headers["sec-fetch-site"];
    const mode = headers["sec-fetch-mode"];
    // A link that somebody follows is no request of the page that had it.
    if ((site === "cross-site" || site === "same-site") && mode !== "navigate") throw fault.origin(site);
  }
}

/** Throws `http.header` where a header that must be one is there twice, or length and encoding disagree. */
export function checkHeaders({ rawHeaders, headers }: IncomingMessage): void {
  const seen = new Set<string>();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? "").toLowerCase();
    if (!single.has(name)) continue;
    if (seen.has(name)) throw fault.header(name);
    seen.add(name);
  }
  if (headers["transfer-encoding"] !== undefined && headers["content-length"] !== undefined)
    throw fault.header("transfer-encoding");
}
