import { timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { Session } from "@skep/kernel";
import { fault } from "../faults.ts";
import type { BrowserSession, BrowserSessions } from "./browser.ts";
import { digestOf, type Principal, type Principals } from "./principals.ts";
import { parseProof } from "./proof.ts";

/** A bearer that is no ticket: it belongs to a program that speaks for others, and only reads. */
export interface Gateway {
  readonly token: string;
  /** A session that can read and nothing else. */
  attach(): Session;
}

/** Who a request acts for. */
export interface Actor {
  /** Names the caller for turns and rates. */
  readonly caller: string;
  /** Reads, and commands where `writer` gives it. */
  readonly session: Session;
  /** Shared by all who show the same ticket: what is followed is read once. */
  readonly shared: Principal;
  readonly page?: BrowserSession;
  /** The session that may write. Throws `http.reads` and `http.unarmed`. */
  writer(): Session;
}

/** The part of a request that says who asks. */
export interface Asking {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly origin: string;
}

/** The value of a header that may be given once; its absence is undefined. */
export function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "string" ? value : undefined;
}

/** The value of a cookie. */
export function cookieOf({ cookie }: IncomingHttpHeaders, name: string): string | undefined {
  for (const pair of cookie?.split(";") ?? []) {
    const at = pair.indexOf("=");
    if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
  }
  return undefined;
}

/** Takes the proof out of a target, where a page that cannot send headers puts it. */
export function splitTarget(url: string): { readonly target: string; readonly proof: string | undefined } {
  const found = /[?&]proof=([^&#]*)$/.exec(url);
  return found ? { target: url.slice(0, found.index), proof: found[1] } : { target: url, proof: undefined };
}

function bearerOf(headers: IncomingHttpHeaders): string | undefined {
  const given = headerOf(headers, "authorization") ?? headerOf(headers, "x-cohesix-auth");
  if (given === undefined) return undefined;
  return /^bearer +/i.test(given) ? given.replace(/^bearer +/i, "") : given;
}

// How long a bearer is may be known.
function same(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(digestOf(a)), Buffer.from(digestOf(b)));
}

/** Tells who asks. */
export class Authenticator {
  readonly #principals: Principals;
  readonly #pages: BrowserSessions;
  readonly #gateway: Gateway | undefined;
  readonly #cookie: () => string;
  #gatewaySession: Session | undefined;

  constructor(
    principals: Principals,
    pages: BrowserSessions,
    gateway: Gateway | undefined,
    cookie: () => string,
  ) {
    this.#principals = principals;
    this.#pages = pages;
    this.#gateway = gateway;
    this.#cookie = cookie;
  }

  /** Throws `http.ticket`, `http.proof`, `http.replayed` and the `ticket.*` faults. */
  async actorOf(asking: Asking): Promise<Actor> {
    const bearer = bearerOf(asking.headers);
    if (bearer !== undefined) return this.#bearer(bearer, headerOf(asking.headers, "x-cohesix-ticket"));
    const page = this.pageOf(asking.headers);
    if (!page) throw fault.ticket();
    const { target, proof: inTarget } = splitTarget(asking.url);
    const proof = headerOf(asking.headers, "x-skep-proof") ?? inTarget;
    if (proof === undefined) throw fault.proof();
    const { method, origin, headers } = asking;
    const body = headerOf(headers, "x-skep-body") ?? "";
    page.check({ origin, method, target, body }, parseProof(proof));
    return this.ofPage(page);
  }

  /** The session of a page by its cookie, which proves nothing yet. */
  pageOf(headers: IncomingHttpHeaders): BrowserSession | undefined {
    const cookie = cookieOf(headers, this.#cookie());
    return cookie === undefined ? undefined : this.#pages.find(cookie);
  }

  /** The ticket behind a bearer, for whoever asks for a code. Throws `http.ticket`. */
  async ticketOf(headers: IncomingHttpHeaders): Promise<string> {
    const bearer = bearerOf(headers);
    const delegated = headerOf(headers, "x-cohesix-ticket");
    if (bearer === undefined) throw fault.ticket();
    const { caller } = await this.#bearer(bearer, delegated);
    if (caller === "gateway") throw fault.reads();
    return delegated ?? bearer;
  }

  async #bearer(bearer: string, delegated: string | undefined): Promise<Actor> {
    const isGateway = this.#gateway !== undefined && same(bearer, this.#gateway.token);
    const own = isGateway ? this.#ofGateway() : actor(await this.#principals.of(bearer));
    if (delegated === undefined) return own;
    return actor(await this.#principals.of(delegated));
  }

  #ofGateway(): Actor {
    if (!this.#gatewaySession || this.#gatewaySession.state === "CLOSED")
      this.#gatewaySession = this.#gateway?.attach();
    const session = this.#gatewaySession;
    if (!session) throw fault.ticket();
    const shared = { key: "gateway", session };
    return {
      caller: "gateway",
      session,
      shared,
      writer: () => {
        throw fault.reads();
      },
    };
  }

  /** Whoever proved to be a page. */
  async ofPage(page: BrowserSession): Promise<Actor> {
    const [own, shared] = await Promise.all([
      this.#principals.of(page.kept.token, page.kept.id),
      this.#principals.of(page.kept.token),
    ]);
    return {
      caller: own.key,
      session: own.session,
      shared,
      page,
      writer: () => {
        if (page.armedFor === 0) throw fault.unarmed();
        return own.session;
      },
    };
  }
}

function actor(principal: Principal): Actor {
  const { key, session } = principal;
  return { caller: key, session, shared: principal, writer: () => session };
}
