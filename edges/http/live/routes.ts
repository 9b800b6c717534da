import { createRequire } from "node:module";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { Fault, toFault } from "@skep/fault";
import { fault } from "../faults.ts";
import type { Actor } from "../auth/authenticate.ts";
import { challenge } from "../auth/routes.ts";
import type { Parts } from "../parts.ts";
import { problemOf } from "../problem.ts";
import { Link, type LinkOptions, Said, type Wire } from "./link.ts";

/** Milliseconds for a page to prove that it has its key. */
const proving = 5000;
const largest = 64 * 1024;

function parse(data: Buffer, isBinary: boolean): ReturnType<typeof Said.parse> {
  if (isBinary) throw fault.json("binary");
  let value: unknown;
  try {
    value = JSON.parse(data.toString("utf8"));
  } catch {
    throw fault.json();
  }
  const parsed = Said.safeParse(value);
  if (!parsed.success) throw fault.json(parsed.error.issues[0]?.message);
  return parsed.data;
}

/** Tells a page's socket from that of a ticket's holder: the first has to sign what it is told. */
class Opening {
  readonly #parts: Parts;
  readonly #wire: Wire;
  readonly #link: Link;
  readonly #challenge = challenge();
  readonly #request: FastifyRequest;
  #served = false;
  #late: { stop(): void } | undefined;

  constructor(parts: Parts, wire: Wire, request: FastifyRequest, options: LinkOptions) {
    this.#parts = parts;
    this.#wire = wire;
    this.#request = request;
    this.#link = new Link(wire, options);
    wire.on("message", (data, isBinary) => this.#hear(data, isBinary));
    wire.on("close", () => this.#late?.stop());
  }

  begin(): void {
    const { actor } = this.#request;
    if (actor) {
      this.#serve(actor);
      return;
    }
    this.#late = this.#parts.clock.after(proving, () => this.#wire.close(4408, "no proof in time"));
    this.#link.tell({ op: "hello", challenge: this.#challenge, now: this.#parts.clock.now() });
  }

  #serve(actor: Actor): void {
    this.#late?.stop();
    this.#served = true;
    this.#link.serve(actor);
  }

  #hear(data: Buffer, isBinary: boolean): void {
    try {
      const said = parse(data, isBinary);
      if (this.#served && said.op !== "prove") this.#link.hear(said);
      else if (!this.#served && said.op === "prove") void this.#prove(said.signature);
      else throw fault.proof();
    } catch (thrown) {
      this.#refuse(thrown);
    }
  }

  async #prove(signature: string): Promise<void> {
    try {
      const { headers } = this.#request;
      const page = this.#parts.authenticator.pageOf(headers);
      if (!page) throw fault.ticket();
      page.checkSocket(this.#parts.hosts.originOf(headers), this.#challenge, signature);
      this.#serve(await this.#parts.authenticator.ofPage(page));
    } catch (thrown) {
      this.#refuse(thrown);
    }
  }

  #refuse(thrown: unknown): void {
    const found = thrown instanceof Fault ? thrown : toFault(thrown);
    this.#link.tell({ op: "error", problem: problemOf(found) });
    this.#wire.close(found.kind === "unauthenticated" ? 4401 : 1008, found.code);
  }
}

/** `/v1/live`: one connection for everything that a page follows. */
export async function liveRoutes(
  app: FastifyInstance,
  parts: Parts,
  { subscriptions, followers }: { readonly subscriptions: number; readonly followers: number },
): Promise<void> {
  const require = createRequire(import.meta.url);
  const plugin = require("@fastify/websocket") as typeof import("@fastify/websocket").default;
  await app.register(plugin, { options: { maxPayload: largest, perMessageDeflate: false } });
  const { clock, hubs, stall } = parts;
  app.get(
    "/v1/live",
    {
      websocket: true,
      config: { open: true },
      preValidation: async (request) => {
        if (parts.counts.sockets >= followers) throw fault.busy("sockets");
        const { method, url, headers } = request;
        if (headers.authorization === undefined && headers["x-cohesix-auth"] === undefined) {
          // A page: its cookie is looked at now, so that others get no socket, and its proof comes as a message.
          if (!parts.authenticator.pageOf(headers) || headers.origin === undefined) throw fault.ticket();
          return;
        }
        const origin = parts.hosts.originOf(headers);
        request.actor = await parts.authenticator.actorOf({ method, url, headers, origin });
      },
    },
    (socket, request) => {
      const wire = socket as unknown as Wire;
      parts.counts.sockets += 1;
      wire.on("close", () => {
        parts.counts.sockets -= 1;
      });
      new Opening(parts, wire, request, { clock, hubs, subscriptions, stall }).begin();
    },
  );
}
