import { hash } from "node:crypto";
import type { OutgoingHttpHeaders } from "node:http";
import { isUtf8 } from "node:buffer";
import type { FastifyRequest } from "fastify";
import { toFault } from "@skep/fault";
import type { Handle, Session } from "@skep/kernel";
import type { Actor } from "../auth/authenticate.ts";
import { fault } from "../faults.ts";
import { inLane, type Parts, queryOf, type Reply } from "../parts.ts";
import { treePath, urlPath } from "../path.ts";
import { serveEvents } from "../live/sse.ts";
import type { From } from "../live/stream-topic.ts";
import { describe } from "./describe.ts";
import { numberOf, pageOf } from "./names.ts";
import { sendBody } from "./pieces.ts";
import { hasTag, rangeOf } from "./range.ts";

type Found = Session["root"];

const text = "text/plain; charset=utf-8";
const json = "application/json";
const octets = "application/octet-stream";
const most = 1024 * 1024;

/** Where the tree hangs. */
export const treeUrl = "/v1/tree";

/** A strong entity tag of some bytes. */
export function tagOf(bytes: Uint8Array | string): string {
  return `"${hash("sha256", bytes, "base64url").slice(0, 22)}"`;
}

function send(request: FastifyRequest, reply: Reply, type: string, body: Buffer): Reply {
  const tag = tagOf(body);
  reply.header("ETag", tag).header("Cache-Control", "private, no-cache");
  if (hasTag(request.headers["if-none-match"], tag)) return reply.code(304).send();
  reply.header("Content-Length", body.length).type(type);
  return reply.send(request.method === "HEAD" ? null : body);
}

function sendJson(request: FastifyRequest, reply: Reply, value: unknown): Reply {
  return send(request, reply, json, Buffer.from(`${JSON.stringify(value)}\n`));
}

async function sendNames(
  request: FastifyRequest,
  reply: Reply,
  session: Session,
  found: Found,
): Promise<Reply> {
  const entries = await session.list(found);
  const page = pageOf(entries, { limit: queryOf(request, "limit"), after: queryOf(request, "after") });
  const below = found.path === "/" ? "" : found.path;
  const shown = page.entries.map(({ name, kind, append }) => ({
    name,
    kind,
    append,
    href: `${treeUrl}${urlPath(`${below}/${name}`)}`,
  }));
  if (page.next !== undefined)
    reply.header("Link", `<${treeUrl}${urlPath(found.path)}?after=${page.next}>; rel="next"`);
  const { doc } = found.place.node;
  return sendJson(request, reply, {
    path: found.path,
    kind: "dir",
    doc,
    entries: shown,
    ...(page.next !== undefined && { next: page.next }),
  });
}

async function withHandle<T>(
  session: Session,
  found: Found,
  act: (handle: Handle) => T | Promise<T>,
): Promise<T> {
  const handle = await session.open(found, { read: true, write: false });
  try {
    return await act(handle);
  } finally {
    await handle.close();
  }
}

/** The bytes of a file up to a bound; larger ones are refused. */
export function wholeText(session: Session, found: Found): Promise<Buffer> {
  return withHandle(session, found, async (handle) => {
    const parts: Uint8Array[] = [];
    let size = 0;
    while (size <= most) {
      const part = await handle.read(size, most + 1 - size);
      if (part.length === 0) return Buffer.concat(parts);
      parts.push(part);
      size += part.length;
    }
    throw fault.large(found.path);
  });
}

async function sendText(
  request: FastifyRequest,
  reply: Reply,
  session: Session,
  found: Found,
): Promise<Reply> {
  const body = await wholeText(session, found);
  const isJson = found.place.facet === "json" || /\.json$/.test(found.path);
  return send(request, reply, isJson ? json : isUtf8(body) ? text : octets, body);
}

// What is kept of a stream, or its end: the newest bytes, beginning at a whole line.
async function sendStream(
  request: FastifyRequest,
  reply: Reply,
  session: Session,
  found: Found,
): Promise<Reply> {
  const wanted = numberOf(queryOf(request, "max_bytes"), { least: 1, most, usual: most });
  const { body, base, next } = await withHandle(session, found, async (handle) => {
    const anchor = session.anchors.get(found.path)?.at ?? 0;
    const { size } = await session.stat(found);
    const from = Math.max(0, size - wanted);
    const parts: Uint8Array[] = [];
    let at = from;
    while (at - from < wanted) {
      const part = await handle.read(at, wanted - (at - from));
      if (part.length === 0) break;
      parts.push(part);
      at += part.length;
    }
    const bytes = Buffer.concat(parts);
    const cut = from === 0 ? 0 : bytes.indexOf(10) + 1;
    return { body: bytes.subarray(cut), base: anchor + from + cut, next: anchor + at };
  });
  reply.header("X-Skep-Base", base).header("X-Skep-Next", next);
  return send(request, reply, isUtf8(body) ? text : octets, body);
}

async function sendBlob(
  parts: Parts,
  request: FastifyRequest,
  reply: Reply,
  session: Session,
  found: Found,
): Promise<Reply> {
  const { size } = await session.stat(found);
  const handle = await session.open(found, { read: true, write: false });
  // What has no bytes yet throws at its first read, and so does what is not for this caller.
  const probe = await handle.read(0, 1);
  const tag = `"${found.path.slice(found.path.lastIndexOf("/") + 1)}"`;
  reply.header("ETag", tag).header("Accept-Ranges", "bytes");
  reply.header("Cache-Control", "private, max-age=31536000, immutable").type(octets);
  const done = async (): Promise<Reply> => {
    await handle.close();
    return reply.send(null);
  };
  if (hasTag(request.headers["if-none-match"], tag)) {
    reply.code(304);
    return done();
  }
  const fresh = request.headers["if-range"] === undefined || hasTag(String(request.headers["if-range"]), tag);
  const range = fresh ? rangeOf(request.headers.range, size) : undefined;
  if (range === "none") {
    reply.code(416).header("Content-Range", `bytes */${size}`);
    return done();
  }
  const { first, last } = range ?? { first: 0, last: size - 1 };
  if (range) reply.code(206).header("Content-Range", `bytes ${first}-${last}/${size}`);
  reply.header("Content-Length", last - first + 1);
  if (request.method === "HEAD" || probe.length === 0) return done();
  reply.hijack();
  reply.raw.writeHead(reply.statusCode, reply.getHeaders() as OutgoingHttpHeaders);
  // It takes as long as the client does, and no place in a lane.
  sendBody(reply.raw, { handle, first, last }, parts.pieces).catch((thrown: unknown) => {
    const failed = toFault(thrown);
    if (failed.kind === "internal") parts.report(failed);
  });
  return reply;
}

async function sendFile(
  parts: Parts,
  request: FastifyRequest,
  reply: Reply,
  actor: Actor,
  found: Found,
): Promise<Reply> {
  const { session } = actor;
  const { node, facet } = found.place;
  if (queryOf(request, "view") === "stat") {
    const { kind, number, append, ...stat } = await session.stat(found);
    return sendJson(request, reply, { ...describe(found), ...stat });
  }
  if (node.kind === "dir" || node.kind === "each" || node.kind === "subtree")
    return sendNames(request, reply, session, found);
  if (node.kind === "control") return sendJson(request, reply, describe(found));
  if (node.kind === "blob") return sendBlob(parts, request, reply, session, found);
  if (node.kind === "stream" && facet === "plain") return sendStream(request, reply, session, found);
  return sendText(request, reply, session, found);
}

/** Where a follower begins, from `Last-Event-ID` or the query. */
function fromOf(request: FastifyRequest): From {
  const last = request.headers["last-event-id"];
  const cursor = (typeof last === "string" && last !== "" ? last : undefined) ?? queryOf(request, "cursor");
  if (cursor !== undefined) return { cursor };
  const from = queryOf(request, "from");
  if (from !== undefined && from !== "now" && from !== "start") throw fault.query(from);
  return from ?? "start";
}

async function follow(parts: Parts, request: FastifyRequest, reply: Reply, path: string): Promise<void> {
  const from = fromOf(request);
  const actor = parts.actorOf(request);
  const { hub, release } = parts.hubs.of(actor.shared);
  try {
    const feed = await parts.broker.run("read", actor.caller, () => hub.open({ path, from }));
    reply.hijack();
    const response = reply.raw;
    response.writeHead(200, {
      "Content-Type": "text/event-stream",
      "Cache-Control": "no-store",
      "X-Accel-Buffering": "no",
    });
    response.socket?.setTimeout(0);
    parts.counts.events += 1;
    await serveEvents(feed, response, { clock: parts.clock, stall: parts.stall });
    parts.counts.events -= 1;
  } finally {
    release();
  }
}

/** GET and HEAD of a path: by what it is; followed where events are asked for. */
export async function getTree(parts: Parts, request: FastifyRequest, reply: Reply): Promise<unknown> {
  const path = treePath(request.url, treeUrl);
  const isFollowed = path.endsWith(".follow") || /text\/event-stream/.test(request.headers.accept ?? "");
  if (isFollowed && request.method === "GET" && queryOf(request, "view") === undefined)
    return follow(parts, request, reply, path);
  if (path.endsWith(".follow") && queryOf(request, "view") === undefined)
    throw fault.method("HEAD of a followed stream");
  return inLane(parts, request, "read", async (actor) => {
    const partial = request.method === "HEAD" ? parts.uploads.offset(`${actor.caller}\n${path}`) : undefined;
    if (partial !== undefined)
      return reply.code(204).header("Upload-Offset", partial).header("Upload-Complete", "?0").send();
    return sendFile(parts, request, reply, actor, await actor.session.find(path));
  });
}
