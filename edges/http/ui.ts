import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { crc32, gzipSync } from "node:zlib";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { fault } from "./faults.ts";
import { hasTag } from "./tree/range.ts";

/** A file of a page, ready to be sent. */
export interface Asset {
  readonly type: string;
  readonly body: Buffer;
  readonly zipped: Buffer | undefined;
  readonly tag: string;
  /** True for what has its digest in its name. */
  readonly fixed: boolean;
}

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".webmanifest": "application/manifest+json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
  ".wasm": "application/wasm",
  ".txt": "text/plain; charset=utf-8",
};

// A gzip file ends with the CRC-32 and the length of what is in it.
function isOf(gz: Buffer, body: Buffer): boolean {
  if (gz.length < 18) return false;
  return gz.readUInt32LE(gz.length - 8) === crc32(body) && gz.readUInt32LE(gz.length - 4) === body.length;
}

/** Makes an asset of bytes; `gz` are the same bytes compressed, where somebody did that already: others are not sent. */
export function assetOf(name: string, body: Buffer, fixed = false, gz?: Buffer): Asset | undefined {
  const type = types[extname(name)];
  if (!type) return undefined;
  const zips = /^(text|image\/svg|application\/(json|wasm|manifest))/.test(type) && body.length > 1000;
  const tag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
  const known = gz && isOf(gz, body) ? gz : undefined;
  return { type, body, zipped: zips ? (known ?? gzipSync(body, { level: 9 })) : undefined, tag, fixed };
}

/** The files of a built page in a directory, each read when it is first asked for. */
export function assetsIn(dir: string | undefined): (path: string) => Asset | undefined {
  const known = new Map<string, Asset | undefined>();
  return (path) => {
    if (dir === undefined) return undefined;
    // No dots but those of a file's name: nothing leads out of the directory.
    if (!/^\/(?:[\w-]+\/)*[\w-]+(?:\.[\w-]+)+$/.test(path)) return undefined;
    const file = join(dir, path);
    if (known.has(path)) return known.get(path);
    if (!existsSync(file)) return undefined;
    const gz = existsSync(`${file}.gz`) ? readFileSync(`${file}.gz`) : undefined;
    const made = assetOf(path, readFileSync(file), path.startsWith("/assets/"), gz);
    if (known.size < 1000) known.set(path, made);
    return made;
  };
}

function takesGzip({ headers: { "accept-encoding": accepted } }: FastifyRequest): boolean {
  return /\bgzip\b(?!;\s*q=0)/.test(String(accepted ?? ""));
}

/** Sends an asset: whole, or 304 to whoever has it. */
export function sendAsset(request: FastifyRequest, reply: FastifyReply, asset: Asset): FastifyReply {
  const { type, body, zipped, tag, fixed } = asset;
  reply.header("ETag", tag).header("Vary", "Accept-Encoding");
  reply.header("Cache-Control", fixed ? "public, max-age=31536000, immutable" : "no-cache");
  if (hasTag(request.headers["if-none-match"], tag)) return reply.code(304).send();
  const bytes = zipped && takesGzip(request) ? zipped : body;
  if (bytes === zipped) reply.header("Content-Encoding", "gzip");
  reply.type(type).header("Content-Length", bytes.length);
  return reply.send(request.method === "HEAD" ? null : bytes);
}

/**
 * The page at `/` and what it is made of, made when it is first asked for. Where none can be made, `/` leads to the
 * documentation.
 */
export function pageRoutes(
  app: FastifyInstance,
  asset: (path: string) => Asset | undefined,
  ready: () => Promise<unknown> | undefined,
): void {
  const config = { open: true };
  const method = ["GET", "HEAD"];
  app.route({
    method,
    url: "/",
    config,
    handler: async (request, reply) => {
      if (!asset("/index.html")) await ready()?.catch(() => undefined);
      const index = asset("/index.html");
      return index ? sendAsset(request, reply, index) : reply.redirect("/docs", 302);
    },
  });
  app.route({
    method,
    url: "/*",
    config,
    handler: (request, reply) => {
      const path = request.url.replace(/[?#].*$/s, "");
      const found = path.startsWith("/v1/") ? undefined : asset(path);
      if (!found) throw fault.absent();
      return sendAsset(request, reply, found);
    },
  });
}
