import { createRequire } from "node:module";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { Fault, toFault } from "@skep/fault";
import { type Actor, headerOf } from "./auth/authenticate.ts";
import { bodyDigest } from "./auth/proof.ts";
import { sessionRoutes } from "./auth/routes.ts";
import { Buckets } from "./bucket.ts";
import { fault } from "./faults.ts";
import { bounds, fsRoutes } from "./fs/routes.ts";
import { liveRoutes } from "./live/routes.ts";
import { documentRoutes } from "./openapi/routes.ts";
import type { Parts, Reply } from "./parts.ts";
import { problemOf, retryAfter, sendProblem } from "./problem.ts";
import { assetsIn, pageRoutes } from "./ui.ts";
import { type AppFigures, makeParts, type PartsOptions } from "./hive.ts";
import { treeRoutes } from "./tree/routes.ts";

declare module "fastify" {
  interface FastifyRequest {
    actor: Actor | null;
    begun: number;
  }
  interface FastifyContextConfig {
    /** Answered without a ticket. */
    open?: boolean;
    /** The body is taken as it comes, however long that takes. */
    streamed?: boolean;
  }
}

/** What the application is made of. */
export interface AppOptions extends PartsOptions {
  readonly bodyWithin?: number;
  readonly followers?: number;
  readonly subscriptions?: number;
  readonly rate?: number;
}

/** A request handler, ready to be called, and its end. */
export interface App {
  handle(request: IncomingMessage, response: ServerResponse): void;
  /** Turns a connection into a socket. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  readonly figures: AppFigures;
  close(): Promise<void>;
}

// Fastify's own errors, by their status.
function faultOf(thrown: unknown): Fault {
  if (thrown instanceof Fault) return thrown;
  const { statusCode, code } = (thrown ?? {}) as { statusCode?: unknown; code?: unknown };
  if (statusCode === 413) return fault.large();
  if (statusCode === 415) return fault.type();
  if (typeof statusCode === "number" && statusCode < 500 && String(code).startsWith("FST_"))
    return fault.header(String(code));
  return toFault(thrown);
}

function refuse(parts: Parts, reply: Reply, thrown: unknown): Reply {
  const found = faultOf(thrown);
  if (found.kind === "internal") parts.report(found);
  const wait = retryAfter(found.kind);
  if (wait !== undefined) reply.header("Retry-After", wait);
  if (found.kind === "unauthenticated") reply.header("WWW-Authenticate", 'Bearer realm="skep"');
  const problem = problemOf(found);
  return sendProblem(reply, problem);
}

// The signature is over this digest: what was sent must be what was signed.
function checkBody(request: FastifyRequest): void {
  const told = headerOf(request.headers, "x-skep-body");
  const body = Buffer.isBuffer(request.body) ? request.body : undefined;
  if (request.routeOptions.config.streamed) return;
  if (told === undefined && request.actor?.page === undefined) return;
  const digest = body === undefined || body.length === 0 ? "" : bodyDigest(body);
  if ((told ?? "") !== digest && told !== bodyDigest(Buffer.alloc(0)))
    throw fault.proof("its body is another");
}

function watch(app: FastifyInstance, parts: Parts, rates: Buckets, bodyWithin: number): void {
  app.decorateRequest("actor", null);
  app.decorateRequest("begun", 0);
  app.addHook("onRequest", async (request) => {
    request.begun = parts.clock.monotonic();
    const { "content-length": length, "transfer-encoding": encoding } = request.headers;
    const hasBody = encoding !== undefined || Number(length ?? 0) > 0;
    // Whoever reads these bytes begins when it is their turn; until then what is not here yet stays with the sender.
    if (hasBody && request.routeOptions.config.streamed) request.raw.socket.pause();
    if (hasBody && !request.routeOptions.config.streamed) {
      const late = parts.clock.after(bodyWithin, () => request.raw.destroy());
      request.raw.once("end", () => late.stop());
      request.raw.once("close", () => late.stop());
    }
    if (request.routeOptions.config.open) return;
    const { method, url, headers } = request;
    const origin = parts.hosts.originOf(headers);
    request.actor = await parts.authenticator.actorOf({ method, url, headers, origin });
    if (!rates.take(request.actor.caller)) throw fault.rate();
  });
  app.addHook("preHandler", async (request) => checkBody(request));
  app.addHook("onResponse", async (request, reply) => {
    parts.counts.answered(reply.statusCode, (parts.clock.monotonic() - request.begun) / 1000);
  });
}

function takeBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  for (const type of ["application/json", "text/plain"])
    app.addContentTypeParser(type, { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  app.addContentTypeParser("*", (request, _payload, done) => {
    if (request.routeOptions.config.streamed) done(null);
    else done(fault.type(request.headers["content-type"]));
  });
}

/** Builds the application on Fastify. It is loaded when the first request needs it. */
export async function buildApp(options: AppOptions): Promise<App> {
  const { clock, hive, rate = 2000 } = options;
  const { parts, figures, close } = makeParts(options);
  const require = createRequire(import.meta.url);
  const { fastify } = require("fastify") as typeof import("fastify");
  let handler: App["handle"] = () => undefined;
  // It never listens: the edge hands on what passed its checks.
  const inner = process.getBuiltinModule("node:http").createServer();
  const app = fastify({
    logger: false,
    exposeHeadRoutes: false,
    bodyLimit: bounds.max_body_bytes,
    routerOptions: { maxParamLength: 8192, ignoreTrailingSlash: false, ignoreDuplicateSlashes: false },
    return503OnClosing: false,
    forceCloseConnections: false,
    serverFactory: (act) => {
      handler = act as App["handle"];
      return inner;
    },
    // Nothing is validated or printed by schema here: the kernel judges lines, and this saves 10 MB.
    schemaController: {
      compilersFactory: {
        buildValidator: () => () => () => true,
        buildSerializer: () => () => (value: unknown) => JSON.stringify(value),
      } as never,
    },
    frameworkErrors: (error, _request, reply) => void refuse(parts, reply as Reply, error),
  }) as unknown as FastifyInstance;
  takeBodies(app);
  app.setErrorHandler((error, _request, reply) => refuse(parts, reply, error));
  app.setNotFoundHandler({ preHandler: [] }, (request, reply) => {
    // Whoever shows nothing learns nothing.
    refuse(parts, reply, fault.absent(request.method === "GET" ? undefined : request.method));
  });
  watch(app, parts, new Buckets(clock, rate, 2 * rate), options.bodyWithin ?? 10_000);
  await liveRoutes(app, parts, {
    subscriptions: options.subscriptions ?? 512,
    followers: options.followers ?? 2048,
  });
  fsRoutes(app, parts);
  treeRoutes(app, parts);
  sessionRoutes(app, parts);
  documentRoutes(app, parts, hive.tree);
  pageRoutes(app, assetsIn(hive.page?.dir), () => hive.page?.ready());
  await app.ready();
  return {
    handle: (request, response) => handler(request, response),
    upgrade: (request, socket, head) => void inner.emit("upgrade", request, socket, head),
    get figures() {
      return figures();
    },
    close: async () => {
      await close();
      await app.close();
    },
  };
}
