import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { Clock } from "@skep/clock";
import { type Fault, toFault } from "@skep/fault";
import { fault } from "./faults.ts";
import { type Page, pageAt, refusalPage } from "./pages.ts";
import type { LogPort } from "./port.ts";

// An import would evaluate every export of it, and with them a client of 12 MB that nothing here uses.
const { createServer } = process.getBuiltinModule("node:http");

/** What an edge is given. */
export interface HttpOptions {
  readonly clock: Clock;
  /** Names beside loopback ones that a request's Host may have: those of a proxy in front. */
  readonly hosts?: readonly string[];
  /** Connections at a time; 128 by default. */
  readonly connections?: number;
  /** Requests that are answered at a time; 16 by default, 503 beyond. */
  readonly answering?: number;
  /** Milliseconds for one answer until the client has it; 60,000 by default. */
  readonly within?: number;
  /** Hears of every fault that is `internal`, with its cause. */
  readonly report?: (fault: Fault) => void;
}

/** The log of a hive as C2SP tiles, and its health, over HTTP. */
export interface HttpEdge extends AsyncDisposable {
  /** Listens on loopback; port 0 takes any that is free. Throws `http.wide` for any other address. */
  listen(place: { readonly host: string; readonly port: number }): Promise<{ host: string; port: number }>;
  /** Stops listening; what is being answered is cut. */
  close(): Promise<void>;
}

const zip = promisify(gzip);
const loopback = /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/;
const headers = { "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'" };

function acceptsGzip({ headers: { "accept-encoding": accepted } }: IncomingMessage): boolean {
  return /(^|[\s,])(gzip|\*)\s*(?!\s*;\s*q=0(\.0*)?\s*(,|$))(;|,|$)/.test(String(accepted ?? ""));
}

class Edge implements HttpEdge {
  readonly #port: LogPort;
  readonly #options: HttpOptions;
  readonly #server: Server;
  #answering = 0;

  constructor(port: LogPort, options: HttpOptions) {
    this.#port = port;
    this.#options = options;
    this.#server = createServer(
      {
        maxHeaderSize: 8192,
        headersTimeout: 10_000,
        requestTimeout: 10_000,
        keepAliveTimeout: 5000,
        connectionsCheckingInterval: 1000,
        noDelay: true,
      },
      (request, response) => {
        this.#handle(request, response).catch((thrown: unknown) => {
          this.#options.report?.(toFault(thrown));
          response.destroy();
        });
      },
    );
    this.#server.maxConnections = options.connections ?? 128;
    this.#server.maxHeadersCount = 64;
    this.#server.timeout = 30_000;
  }

  /** Names of other sites that were made to lead here (DNS rebinding) get nothing. */
  #checkHost({ headers: { host = "" } }: IncomingMessage): void {
    const name = host.replace(/:\d+$/, "").toLowerCase();
    if (!loopback.test(name) && !this.#options.hosts?.includes(name)) throw fault.host(host);
  }

  #check(request: IncomingMessage): void {
    const { method, headers: given } = request;
    this.#checkHost(request);
    if (method !== "GET" && method !== "HEAD") throw fault.method(method);
    if (given["transfer-encoding"] !== undefined || Number(given["content-length"] ?? 0) > 0)
      throw fault.body();
    if (this.#answering > (this.#options.answering ?? 16)) throw fault.busy();
  }

  async #page(request: IncomingMessage): Promise<Page> {
    try {
      this.#check(request);
      return await pageAt(this.#port, (request.url ?? "").replace(/\?.*$/s, ""));
    } catch (thrown) {
      const { page, fault: found } = refusalPage(thrown);
      if (found.kind === "internal") this.#options.report?.(found);
      return page;
    }
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#answering += 1;
    const limit = this.#options.clock.after(this.#options.within ?? 60_000, () => response.destroy());
    response.once("close", () => {
      this.#answering -= 1;
      limit.stop();
    });
    const page = await this.#page(request);
    const zipped = page.zip === true && page.body.length > 0 && acceptsGzip(request);
    const body = zipped ? await zip(page.body) : page.body;
    if (response.destroyed) return;
    response.writeHead(page.status, {
      ...headers,
      "Content-Type": page.type,
      "Content-Length": body.length,
      "Cache-Control": page.cache,
      ...(page.zip && { Vary: "Accept-Encoding" }),
      ...(zipped && { "Content-Encoding": "gzip" }),
      ...(page.status === 405 && { Allow: "GET, HEAD" }),
      ...(page.status === 503 && { "Retry-After": "1" }),
      ...((page.status === 400 || page.status === 405) && { Connection: "close" }),
    });
    response.end(request.method === "HEAD" ? undefined : body);
  }

  listen({ host, port }: { readonly host: string; readonly port: number }) {
    if (!loopback.test(host)) return Promise.reject(fault.wide(host));
    const address = host === "localhost" ? "127.0.0.1" : host.replace(/^\[|\]$/g, "");
    const server = this.#server;
    return new Promise<{ host: string; port: number }>((resolve, reject) => {
      const failed = (error: NodeJS.ErrnoException) => {
        const where = `${host}:${port}`;
        reject(error.code === "EADDRINUSE" ? fault.taken(where) : fault.listen(where, { cause: error }));
      };
      server.once("error", failed);
      server.listen({ host: address, port }, () => {
        server.removeListener("error", failed);
        const at = server.address();
        resolve({ host: address, port: typeof at === "object" && at ? at.port : port });
      });
    });
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise((done) => this.#server.close(done));
    this.#server.closeAllConnections();
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** An edge that serves `/healthz`, `/checkpoint` and `/tile/…` (C2SP tlog-tiles), and nothing else. */
export function createHttpEdge(port: LogPort, options: HttpOptions): HttpEdge {
  return new Edge(port, options);
}
