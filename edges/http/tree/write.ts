import type { IncomingMessage } from "node:http";
import type { FastifyRequest } from "fastify";
import { Fault } from "@skep/fault";
import type { Answer, Session } from "@skep/kernel";
import type { z } from "zod";
import { headerOf } from "../auth/authenticate.ts";
import { fault } from "../faults.ts";
import { inLane, type Parts, queryOf, type Reply, traceOf } from "../parts.ts";
import { treePath } from "../path.ts";
import { problemOfAnswer, retryAfter, sendProblem } from "../problem.ts";
import { describe } from "./describe.ts";
import { tagOf, treeUrl, wholeText } from "./read.ts";
import { hasTag } from "./range.ts";
import { type Held, release } from "./spool.ts";

type Found = Session["root"];

/** The body of a request as it was sent; undefined where there is none. */
export function bodyOf(request: FastifyRequest): Buffer | undefined {
  return Buffer.isBuffer(request.body) ? request.body : undefined;
}

/** Fits a body to a schema. Throws `http.json`. */
export function jsonOf<T>(request: FastifyRequest, schema: z.ZodType<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(bodyOf(request)?.toString("utf8") ?? "");
  } catch {
    throw fault.json();
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw fault.json(`${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}`.trim());
}

/** What the request says beside its command. Throws `http.header`. */
function optionsOf(request: FastifyRequest): { readonly key?: string; readonly trace?: string } {
  const key = headerOf(request.headers, "idempotency-key");
  if (key !== undefined && (key === "" || key.length > 128)) throw fault.header("idempotency-key");
  const trace = traceOf(request);
  return { ...(key !== undefined && { key }), ...(trace !== undefined && { trace }) };
}

// One command is one line: what was written over several becomes one.
function lineOf(request: FastifyRequest, { place: { node } }: Found): string {
  const body = bodyOf(request)?.toString("utf8") ?? "";
  const isJson = (request.headers["content-type"] ?? "").startsWith("application/json");
  if (!isJson) return body.replace(/\r?\n$/, "");
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    throw fault.json();
  }
  if (node.kind === "value" && typeof value === "string") return value;
  return JSON.stringify(value);
}

/** Throws `http.match` where If-Match names another state than the present one; gives the version it was judged at. */
async function checkMatch(
  request: FastifyRequest,
  session: Session,
  found: Found,
): Promise<number | undefined> {
  const wanted = headerOf(request.headers, "if-match");
  if (wanted === undefined) return undefined;
  const version = session.version(found);
  const now =
    found.place.node.kind === "control"
      ? tagOf(`${JSON.stringify(describe(found))}\n`)
      : tagOf(await wholeText(session, found));
  if (!hasTag(wanted, now)) throw fault.match(found.path);
  return version;
}

async function append(session: Session, found: Found, request: FastifyRequest): Promise<Answer> {
  const { kind } = found.place.node;
  if (kind === "dir" || kind === "each" || kind === "subtree") throw fault.directory(found.path);
  const version = await checkMatch(request, session, found);
  if (kind === "control" || kind === "value") {
    const line = lineOf(request, found);
    // Nothing ran between the comparison and the judgement, or it is made anew.
    if (version !== undefined && session.version(found) !== version && kind === "value")
      throw fault.match(found.path);
    return session.append(found.path, line, optionsOf(request));
  }
  const handle = await session.open(found, { read: false, write: true });
  try {
    const taken = await handle.write(0, bodyOf(request) ?? Buffer.alloc(0));
    return { verdict: "ok", result: { bytes: taken } };
  } finally {
    await handle.close();
  }
}

/** An answer as a reply: a refusal is a problem with the status of its kind. */
export function sendAnswer(reply: Reply, answer: Answer): Reply {
  if (answer.verdict === "ok") return reply.send(answer);
  const problem = problemOfAnswer(answer);
  const wait = retryAfter(problem.kind);
  if (wait !== undefined) reply.header("Retry-After", wait);
  return sendProblem(reply, problem);
}

/** POST of a path: one command, a value, or bytes for a stream. */
export function postTree(parts: Parts, request: FastifyRequest, reply: Reply): Promise<unknown> {
  const path = treePath(request.url, treeUrl);
  return inLane(parts, request, "control", async (actor) => {
    const session = actor.writer();
    return sendAnswer(reply, await append(session, await session.find(path), request));
  });
}

const gather = 256 * 1024;

// What was set aside comes first.
async function* partsOf(raw: IncomingMessage, aside: Held | undefined): AsyncGenerator<Buffer> {
  if (aside) yield await aside.back();
  raw.socket.resume();
  yield* raw as AsyncIterable<Buffer>;
}

/** The bytes of a body in few pieces. Each holds until the next one is asked for, and none after the last. */
async function* batches(raw: IncomingMessage, aside: Held | undefined): AsyncGenerator<Buffer> {
  // A manifest is short, and a collector that comes late would keep what a thousand of them did not need.
  const told = Number(raw.headers["content-length"] ?? gather);
  const room = Math.max(1, Math.min(gather, told));
  const held = Buffer.allocUnsafeSlow(room);
  let size = 0;
  try {
    for await (const part of partsOf(raw, aside)) {
      for (let at = 0; at < part.length; ) {
        const taken = part.copy(held, size, at);
        at += taken;
        size += taken;
        if (size < room) continue;
        yield held;
        size = 0;
      }
      release(part);
    }
    if (size > 0) yield held.subarray(0, size);
  } finally {
    release(held);
  }
}

const mostSkipped = 16 * 1024 * 1024;

/** Reads a body that nobody needs; false where it is longer than is worth it. */
async function skipped(raw: IncomingMessage, aside: Held | undefined): Promise<boolean> {
  if (Number(raw.headers["content-length"] ?? 0) > mostSkipped) return false;
  let size = 0;
  for await (const part of partsOf(raw, aside)) {
    size += part.length;
    release(part);
    if (size > mostSkipped) return false;
  }
  return true;
}

const emptyDigest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

// A blob has a size when it is whole, and an empty one is known by its name.
async function isWhole(session: Session, found: Found): Promise<boolean> {
  try {
    const { size } = await session.stat(found);
    if (size > 0 || !found.path.endsWith(`/${emptyDigest}`)) return size > 0;
    const handle = await session.open(found, { read: true, write: false });
    try {
      await handle.read(0, 1);
      return true;
    } finally {
      await handle.close();
    }
  } catch (thrown) {
    if (thrown instanceof Fault && thrown.kind === "absent") return false;
    throw thrown;
  }
}

type Aside = Promise<Held | undefined> | undefined;

// The rest of a refused body goes by unread, as Node has it where nobody began to read.
async function letGo(raw: IncomingMessage, aside: Aside): Promise<void> {
  (await aside)?.drop();
  raw.socket.resume();
  raw.resume();
}

/**
 * PUT and PATCH of a blob: its bytes as a stream, from `Upload-Offset` on. What was cut off stays for ten minutes, HEAD
 * tells how much is there, and PATCH goes on. A PUT that ends without the digest's bytes is refused.
 */
export async function putTree(parts: Parts, request: FastifyRequest, reply: Reply): Promise<unknown> {
  // Before anything is asked about it: of a thousand that come at once each holds its 64 KB until then.
  const aside = parts.uploads.isCrowded ? parts.spool?.hold(request.raw) : undefined;
  if (!aside) return take(parts, request, reply, undefined);
  try {
    return await take(parts, request, reply, aside);
  } catch (thrown) {
    await letGo(request.raw, aside);
    throw thrown;
  }
}

async function take(parts: Parts, request: FastifyRequest, reply: Reply, aside: Aside): Promise<unknown> {
  const path = treePath(request.url, treeUrl);
  const { raw } = request;
  const actor = parts.actorOf(request);
  const session = actor.writer();
  const key = `${actor.caller}\n${path}`;
  const { found, isHere } = await parts.uploads.coming(async () => {
    const blob = await parts.broker.run("bulk", actor.caller, () => session.find(path));
    if (blob.place.node.kind !== "blob") throw fault.method(`${request.method} of what is no blob`);
    const stored = parts.uploads.offset(key) === undefined && (await isWhole(session, blob));
    return { found: blob, isHere: stored };
  });
  if (isHere) {
    // Its bytes are here: what the client still sends is not needed, but who sends little reads no answer before its end.
    const held = await aside;
    if (!(await skipped(raw, held))) reply.header("Connection", "close");
    held?.drop();
    return reply.header("Upload-Complete", "?1").send({ path, stored: true });
  }
  const offset = Number(headerOf(request.headers, "upload-offset") ?? "0");
  if (!Number.isSafeInteger(offset) || offset < 0) throw fault.header("upload-offset");
  // Whoever waits for its turn sends nothing, and is not slow.
  raw.socket.setTimeout(0);
  const upload = await parts.uploads.take(key, offset, async () =>
    session.open(found, { read: false, write: true }),
  );
  raw.socket.setTimeout(parts.stall);
  try {
    for await (const bytes of batches(raw, await aside)) {
      await upload.handle.write(upload.offset, bytes);
      upload.offset += bytes.length;
    }
    if (upload.offset === 0) await upload.handle.write(0, Buffer.alloc(0));
  } catch (thrown) {
    // A client that left may come back; what the hive refused is over.
    if (thrown instanceof Fault) await parts.uploads.drop(key);
    else await parts.uploads.rest(key);
    throw thrown;
  }
  return ended(parts, request, reply, { session, found, key, size: upload.offset });
}

interface Sent {
  readonly session: Session;
  readonly found: Found;
  readonly key: string;
  readonly size: number;
}

async function ended(parts: Parts, request: FastifyRequest, reply: Reply, sent: Sent): Promise<unknown> {
  const { session, found, key, size } = sent;
  const { path } = found;
  if (await isWhole(session, found)) {
    await parts.uploads.drop(key);
    return reply
      .code(201)
      .header("Location", request.url)
      .header("Upload-Complete", "?1")
      .send({ path, size });
  }
  if (request.method === "PATCH" || queryOf(request, "part") !== undefined) {
    await parts.uploads.rest(key);
    return reply.code(204).header("Upload-Offset", size).header("Upload-Complete", "?0").send();
  }
  await parts.uploads.drop(key);
  throw fault.digest(path);
}
