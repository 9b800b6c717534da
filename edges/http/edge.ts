import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Clock } from "@skep/clock";
import { type Fault, toFault } from "@skep/fault";
import type { App } from "./app.ts";
import { Connections } from "./connections.ts";
import { fault } from "./faults.ts";
import { onFirstWord } from "./first-word.ts";
import { checkHeaders, Hosts, isLoopback } from "./host.ts";
import { isLogPage, LogPages } from "./log-pages.ts";
import type { LogPort } from "./port.ts";
import { problemOf } from "./problem.ts";
import type { AppFigures, HttpHive } from "./hive.ts";

// An import would evaluate every export of it, and with them a client of 12 MB that nothing here uses.
const { createServer } = process.getBuiltinModule("node:http");

/** What an edge is given. */
export interface HttpOptions {
  readonly clock: Clock;
  readonly hive?: HttpHive;
  /** Names beside loopback ones that a request's Host may have: our own with TLS, or those of a proxy in front. */
  readonly hosts?: readonly string[];
  /** Certificate chain and key, PEM: with them other addresses than loopback may be listened on. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Connections at a time; 8,192 by default. The longest idle one goes when one more comes. */
  readonly connections?: number;
  /** Log pages that are answered at a time; 16 by default, 503 beyond. */
  readonly answering?: number;
  /** Milliseconds for one log page, or for the next bytes of anything else, to be taken; 60,000 by default. */
  readonly within?: number;
  /** Milliseconds for a request's body; 10,000 by default. Uploads of blobs take as long as bytes come. */
  readonly bodyWithin?: number;
  /** Requests of one caller per second; 2,000 by default, twice that at once. */
  readonly rate?: number;
  /** Sockets at a time; 2,048 by default. */
  readonly followers?: number;
  /** Things followed over one socket; 512 by default. */
  readonly subscriptions?: number;
  /** Acts under way at a time; 32 by default. */
  readonly slots?: number;
  /** Hears of every fault that is `internal`, with its cause. */
  readonly report?: (fault: Fault) => void;
}

/** What the edge tells of itself. */
export interface HttpFigures extends AppFigures {
  readonly connections: number;
  /** Idle connections that made room for others. */
  readonly evicted: number;
}

/** The tree of a hive over HTTP: as the original's gateway, as resources, as live events; and its log as tiles. */
export interface HttpEdge extends AsyncDisposable {
  readonly figures: HttpFigures;
  /** Listens; port 0 takes any that is free. Throws `http.wide` for others than loopback without TLS. */
  listen(place: { readonly host: string; readonly port: number }): Promise<{ host: string; port: number }>;
  /** Stops listening; what is being answered is cut. */
  close(): Promise<void>;
}

const safety = Object.entries({
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "X-Frame-Options": "DENY",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Permissions-Policy": "camera=(), microphone=(), geolocation=(), usb=(), serial=()",
  // Receipts and records are verified in the page, which takes WebAssembly; no script but ours, none inline.
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data: blob:; " +
    "font-src 'self'; connect-src 'self'; worker-src 'self' blob:; manifest-src 'self'; base-uri 'none'; " +
    "form-action 'none'; frame-ancestors 'none'",
});

/** Milliseconds for the head of a request. */
const headWithin = 10_000;

const idle: AppFigures = {
  sessions: 0,
  pages: 0,
  sockets: 0,
  events: 0,
  topics: 0,
  uploads: 0,
  waiting: 0,
  refused: 0,
  answers: {},
  seconds: { bounds: [], counts: [], sum: 0 },
};

class Edge implements HttpEdge {
  readonly #options: HttpOptions;
  readonly #server: Server;
  readonly #connections: Connections;
  readonly #hosts: Hosts;
  readonly #logPages: LogPages;
  #port = 0;
  #app: Promise<App> | undefined;
  #running: App | undefined;

  constructor(port: LogPort, options: HttpOptions) {
    const { clock, tls } = options;
    const within = options.within ?? 60_000;
    this.#options = options;
    this.#hosts = new Hosts(options.hosts ?? [], tls !== undefined);
    const most = options.connections ?? 8192;
    this.#connections = new Connections({ clock, defer: setImmediate, most, within: headWithin });
    this.#logPages = new LogPages(port, {
      clock,
      within,
      answering: options.answering ?? 16,
      ...(options.report && { report: options.report }),
    });
    this.#server = this.#makeServer();
  }

  #makeServer(): Server {
    const { tls } = this.#options;
    const settings = {
      maxHeaderSize: 16_384,
      // Ends all that are late in one go, and so comes after those that are ended a few at a time.
      headersTimeout: headWithin + 5000,
      // Bodies have a time of their own, by what they are.
      requestTimeout: 0,
      keepAliveTimeout: 30_000,
      connectionsCheckingInterval: 1000,
      noDelay: true,
      // What a connection that waits for its turn holds of its body.
      highWaterMark: 16_384,
    };
    const server = tls
      ? process.getBuiltinModule("node:https").createServer({ ...settings, ...tls, minVersion: "TLSv1.2" })
      : createServer(settings);
    server.maxHeadersCount = 64;
    server.timeout = this.#options.within ?? 60_000;
    this.#takeConnections(server as Server, tls ? "secureConnection" : "connection");
    server.on("request", (request, response) => this.#take(request, response));
    server.on("upgrade", (request, socket, head) => this.#upgrade(request, socket, head));
    server.on("checkContinue", (request, response: ServerResponse) => {
      response.writeContinue();
      this.#take(request, response);
    });
    return server as Server;
  }

  // What the server does with a connection it does when there is something to read.
  #takeConnections(server: Server, event: "connection" | "secureConnection"): void {
    const serve = server.listeners(event);
    server.removeAllListeners(event);
    server.on(event, (socket: Socket) => {
      this.#connections.add(socket);
      onFirstWord(socket, () => {
        for (const act of serve) Reflect.apply(act, server, [socket]);
      });
    });
  }

  #check(request: IncomingMessage): void {
    this.#hosts.check(request);
    checkHeaders(request);
    this.#hosts.checkOrigin(request.headers);
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    this.#connections.busy(socket);
    response.once("close", () => this.#connections.rest(socket));
    for (const [name, value] of safety) response.setHeader(name, value);
    if (this.#options.tls) response.setHeader("Strict-Transport-Security", "max-age=31536000");
    this.#handle(request, response).catch((thrown: unknown) => this.#refuse(response, toFault(thrown)));
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#check(request);
    const url = request.url ?? "";
    const { hive } = this.#options;
    if (isLogPage(url) || !hive) return this.#logPages.answer(request, response);
    (await this.#loaded(hive)).handle(request, response);
  }

  #refuse(response: ServerResponse, refused: Fault): void {
    if (refused.kind === "internal") this.#options.report?.(refused);
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const problem = problemOf(refused);
    const body = Buffer.from(`${JSON.stringify(problem)}\n`);
    response.writeHead(problem.status, {
      "Content-Type": "application/problem+json",
      "Content-Length": body.length,
      "Cache-Control": "no-store",
      Connection: "close",
    });
    response.end(body);
  }

  // What only the gateway needs is loaded with it: a hive that nobody asks over HTTP pays for none of it.
  #loaded(hive: HttpHive): Promise<App> {
    this.#app ??= import("./app.ts").then(async ({ buildApp }) => {
      const app = await buildApp({ ...this.#options, hive, hosts: this.#hosts, port: () => this.#port });
      this.#running = app;
      return app;
    });
    return this.#app;
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const refuse = (thrown: unknown): void => {
      const { status, code } = problemOf(toFault(thrown));
      socket.end(`HTTP/1.1 ${status} ${code}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    };
    socket.on("error", () => socket.destroy());
    try {
      this.#check(request);
      const { hive } = this.#options;
      if (!hive) throw fault.absent();
      this.#connections.busy(socket as Socket);
      this.#loaded(hive).then((app) => app.upgrade(request, socket, head), refuse);
    } catch (thrown) {
      refuse(thrown);
    }
  }

  get figures(): HttpFigures {
    const { open: connections, evicted } = this.#connections;
    return { connections, evicted, ...(this.#running?.figures ?? idle) };
  }

  listen({ host, port }: { readonly host: string; readonly port: number }) {
    if (!isLoopback(host) && !this.#options.tls) return Promise.reject(fault.wide(host));
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
        this.#port = typeof at === "object" && at ? at.port : port;
        resolve({ host: address, port: this.#port });
      });
    });
  }

  async close(): Promise<void> {
    const closed = this.#server.listening && new Promise((done) => this.#server.close(done));
    // First what the gateway follows, so that pages are told; then whatever is still connected.
    await (await this.#app)?.close();
    this.#connections.destroy();
    this.#server.closeAllConnections();
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** An edge that serves `/healthz`, `/checkpoint` and `/tile/…` to all, and the rest to whoever shows a ticket. */
export function createHttpEdge(port: LogPort, options: HttpOptions): HttpEdge {
  return new Edge(port, options);
}
