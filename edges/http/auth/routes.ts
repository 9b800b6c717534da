import { randomBytes } from "node:crypto";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { z } from "zod";
import { fault } from "../faults.ts";
import type { Parts, Reply } from "../parts.ts";
import { jsonOf } from "../tree/write.ts";
import type { BrowserSession } from "./browser.ts";
import { headerOf } from "./authenticate.ts";
import { isSigned, pageKey, parseProof, signedText } from "./proof.ts";

const coordinate = z.string().regex(/^[\w-]{43}$/);
/** Body of `POST /v1/session`: the code of the link, and the public key that the page made. */
export const OpenBody = z
  .strictObject({
    code: z.string().min(16).max(64),
    key: z.strictObject({ x: coordinate, y: coordinate }),
  })
  .meta({ id: "OpenSession" });
/** Body of `POST /v1/session/arm`. */
export const ArmBody = z.strictObject({ minutes: z.number().gt(0).max(60) }).meta({ id: "ArmSession" });

function cookieText(parts: Parts, value: string, seconds: number): string {
  const attributes = `Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Strict${parts.tls ? "; Secure" : ""}`;
  return `${parts.cookie()}=${value}; ${attributes}`;
}

function told(page: BrowserSession, subject: string, role: string, now: number) {
  return { session: page.label, subject, role, until: page.kept.until, armed_ms: page.armedFor, now };
}

async function open(parts: Parts, request: FastifyRequest, reply: Reply): Promise<unknown> {
  const body = jsonOf(request, OpenBody);
  // The page shows that it has the key before the code is used up.
  const proof = parseProof(headerOf(request.headers, "x-skep-proof") ?? "");
  const signed = {
    origin: parts.hosts.originOf(request.headers),
    method: "POST",
    target: request.url,
    body: headerOf(request.headers, "x-skep-body") ?? "",
  };
  const text = signedText(signed, proof.time, proof.nonce);
  if (!isSigned(pageKey(body.key.x, body.key.y), text, proof.signature)) throw fault.proof();
  const token = parts.codes.take(body.code);
  const { cookie, session: page } = parts.pages.open(token, body.key.x, body.key.y);
  const { session } = await parts.authenticator.ofPage(page);
  const seconds = Math.floor((page.kept.until - parts.clock.now()) / 1000);
  reply.header("Set-Cookie", cookieText(parts, cookie, seconds)).code(201);
  return told(page, session.subject, session.authority.role, parts.clock.now());
}

function pageOf(parts: Parts, request: FastifyRequest): BrowserSession {
  const { page } = parts.actorOf(request);
  if (!page) throw fault.method("sessions are of pages; a ticket has none");
  return page;
}

/** Sessions of pages: the code, the exchange, arming, the end. */
export function sessionRoutes(app: FastifyInstance, parts: Parts): void {
  app.post("/v1/session/codes", async (request, reply) => {
    if (request.headers.origin !== undefined) throw fault.origin(request.headers.origin);
    const token = await parts.authenticator.ticketOf(request.headers);
    reply.code(201).header("Cache-Control", "no-store");
    return parts.codes.make(token);
  });
  app.get<{ Params: { id: string } }>("/v1/session/codes/:id", (request) => {
    parts.actorOf(request);
    return { state: parts.codes.state(request.params.id) };
  });
  app.post("/v1/session", { config: { open: true } }, (request, reply) => open(parts, request, reply));
  app.get("/v1/session", (request) => {
    const { session, page } = parts.actorOf(request);
    const { subject, authority } = session;
    if (page) return told(page, subject, authority.role, parts.clock.now());
    return { subject, role: authority.role, now: parts.clock.now() };
  });
  app.delete("/v1/session", async (request, reply) => {
    await parts.pages.end(pageOf(parts, request));
    reply.code(204).header("Set-Cookie", cookieText(parts, "", 0));
    return reply.send();
  });
  app.post("/v1/session/arm", (request) => {
    const page = pageOf(parts, request);
    page.arm(jsonOf(request, ArmBody).minutes * 60_000);
    return { armed_ms: page.armedFor };
  });
  app.delete("/v1/session/arm", (request) => {
    const page = pageOf(parts, request);
    page.disarm();
    return { armed_ms: 0 };
  });
}

/** A challenge for a socket. */
export function challenge(): string {
  return randomBytes(24).toString("base64url");
}
