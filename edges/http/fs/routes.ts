import type { FastifyInstance, FastifyRequest } from "fastify";
import { limits, type Session } from "@skep/kernel";
import { z } from "zod";
import { headerOf } from "../auth/authenticate.ts";
import { fault } from "../faults.ts";
import { inLane, type Parts, queryOf, traceOf } from "../parts.ts";
import { numberOf } from "../tree/names.ts";
import { jsonOf } from "../tree/write.ts";
import type { Reply } from "./forms.ts";
import { cat, echo, ls, stat, tail } from "./verbs.ts";

/** What clients need to know before they ask; one table for document and handlers. */
export const bounds = {
  max_read_bytes: limits.readOutside9p,
  default_tail_bytes: 64 * 1024,
  max_tail_lines: 256,
  default_tail_lines: 64,
  max_line_bytes: limits.line,
  max_batch: 64,
  max_body_bytes: 1024 * 1024,
  max_path_depth: limits.pathDepth,
  max_name_bytes: limits.component,
  status_poll_ms: 1000,
} as const;

const Line = z.strictObject({ path: z.string().min(1).max(4096), line: z.string() });
/** Body of `/v1/fs/echo`. */
export const EchoBody = Line.meta({ id: "EchoBody" });
/** Body of `/v1/fs/echo-batch`. */
export const BatchBody = z
  .strictObject({
    items: z.array(Line).min(1).max(bounds.max_batch),
    continue: z.boolean().optional().describe("Go on after a refusal"),
  })
  .meta({ id: "EchoBatchBody" });

function pathOf(request: FastifyRequest): string {
  const path = queryOf(request, "path");
  if (path === undefined) throw fault.query("path is missing");
  return path;
}

function bytesOf(request: FastifyRequest, usual: number): number {
  return numberOf(queryOf(request, "max_bytes"), { least: 1, most: bounds.max_read_bytes, usual });
}

function optionsOf(request: FastifyRequest): { readonly key?: string; readonly trace?: string } {
  const key = headerOf(request.headers, "idempotency-key");
  const trace = traceOf(request);
  return { ...(key !== undefined && { key }), ...(trace !== undefined && { trace }) };
}

async function jsonFile(session: Session, path: string): Promise<unknown> {
  try {
    return JSON.parse(Buffer.from(await session.read(path)).toString());
  } catch {
    // What this ticket does not open is left out.
    return undefined;
  }
}

async function statusOf(session: Session): Promise<Record<string, unknown>> {
  const { subject, authority } = session;
  const state = (await jsonFile(session, "/proc/lifecycle/state.json")) as { state?: string } | undefined;
  const boot = (await jsonFile(session, "/proc/boot.json")) as Record<string, unknown> | undefined;
  const reachable = (await jsonFile(session, "/proc/root/reachable.json")) as object | undefined;
  return {
    status: "OK",
    state: state?.state ?? "UNKNOWN",
    subject,
    role: authority.role,
    ...(boot && { hive: boot.hive, version: boot.version, since_ms: boot.since_ms }),
    ...(reachable && { root: reachable }),
  };
}

/** Answers that many pollers share for a moment. */
class Shared {
  readonly #known = new Map<string, { readonly until: number; readonly value: Promise<unknown> }>();

  get(key: string, now: number, make: () => Promise<unknown>): Promise<unknown> {
    const known = this.#known.get(key);
    if (known && now < known.until) return known.value;
    if (this.#known.size > 1000) this.#known.clear();
    const value = make();
    value.catch(() => this.#known.delete(key));
    this.#known.set(key, { until: now + bounds.status_poll_ms / 4, value });
    return value;
  }
}

function batchReply(items: readonly { readonly path: string }[], results: readonly Reply[]) {
  const failed = results.find(({ status }) => status === "ERR");
  return {
    status: failed ? "ERR" : "OK",
    verb: "ECHO",
    path: failed?.path ?? items[0]?.path,
    end: results.length === items.length,
    lines: [],
    bytes: results.reduce((sum, one) => sum + one.bytes, 0),
    ...(failed?.error !== undefined && { error: failed.error }),
    results,
  };
}

/** `/v1/fs/…` and `/v1/meta/…`, in the forms of the original's gateway. */
export function fsRoutes(app: FastifyInstance, parts: Parts): void {
  const shared = new Shared();
  app.get("/v1/fs/ls", (request) =>
    inLane(parts, request, "read", ({ session }) => ls(session, pathOf(request))),
  );
  app.get("/v1/fs/cat", (request) =>
    inLane(parts, request, "read", ({ session }) =>
      cat(session, pathOf(request), bytesOf(request, bounds.max_read_bytes)),
    ),
  );
  app.get("/v1/fs/tail", (request) => {
    const lines = { least: 1, most: bounds.max_tail_lines, usual: bounds.default_tail_lines };
    return inLane(parts, request, "bulk", ({ session }) =>
      tail(
        session,
        pathOf(request),
        bytesOf(request, bounds.default_tail_bytes),
        numberOf(queryOf(request, "lines"), lines),
      ),
    );
  });
  app.get("/v1/fs/stat", (request) =>
    inLane(parts, request, "read", ({ session }) => stat(session, pathOf(request))),
  );
  app.post("/v1/fs/echo", (request) => {
    const body = jsonOf(request, EchoBody);
    return inLane(parts, request, "control", (actor) => echo(actor.writer(), body, optionsOf(request)));
  });
  app.post("/v1/fs/echo-batch", (request) => {
    const { items, continue: goesOn } = jsonOf(request, BatchBody);
    const { key, ...options } = optionsOf(request);
    return inLane(parts, request, "control", async (actor) => {
      const session = actor.writer();
      const results: Reply[] = [];
      for (const [at, item] of items.entries()) {
        const own = key === undefined ? options : { ...options, key: `${key}.${at}` };
        const reply = await echo(session, item, own);
        results.push(reply);
        if (reply.status === "ERR" && !goesOn) break;
      }
      return batchReply(items, results);
    });
  });
  app.get("/v1/meta/bounds", (request) => {
    parts.actorOf(request);
    return bounds;
  });
  app.get("/v1/meta/status", (request) =>
    inLane(parts, request, "read", ({ session, shared: { key } }) =>
      shared.get(key, parts.clock.monotonic(), () => statusOf(session)),
    ),
  );
  app.get("/v1/meta/providers", (request) => {
    parts.actorOf(request);
    return { providers: parts.about.providers };
  });
}
