import type { FastifyReply, FastifyRequest } from "fastify";
import type { Clock } from "@skep/clock";
import type { Fault } from "@skep/fault";
import type { Actor, Authenticator } from "./auth/authenticate.ts";
import type { BrowserSessions } from "./auth/browser.ts";
import type { Codes } from "./auth/codes.ts";
import type { Broker } from "./broker.ts";
import type { Hosts } from "./host.ts";
import type { Hubs } from "./live/hub.ts";
import type { Pieces } from "./tree/pieces.ts";
import type { Spool } from "./tree/spool.ts";
import type { Uploads } from "./tree/uploads.ts";

/** What a hive is, for those who ask over HTTP. */
export interface About {
  readonly version: string;
  readonly providers: readonly { readonly name: string; readonly doc: string }[];
}

/** What routes are made of. */
export interface Parts {
  readonly clock: Clock;
  readonly about: About;
  readonly broker: Broker;
  readonly authenticator: Authenticator;
  readonly pages: BrowserSessions;
  readonly codes: Codes;
  readonly hosts: Hosts;
  readonly hubs: Hubs;
  readonly uploads: Uploads;
  /** Memory of what is being sent. */
  readonly pieces: Pieces;
  /** Where beginnings of bodies lie that wait; without one they stay in memory. */
  readonly spool?: Spool;
  /** Name of the cookie of pages. */
  readonly cookie: () => string;
  readonly tls: boolean;
  readonly counts: Counts;
  readonly report: (fault: Fault) => void;
  /** Milliseconds until a client that takes nothing is cut off. */
  readonly stall: number;
  /** Who asks; set before a handler runs. */
  actorOf(request: FastifyRequest): Actor;
}

/** What the edge counts of itself. */
export class Counts {
  /** Answers by class of status: 2 for 2xx. */
  readonly answers = new Map<number, number>();
  /** Upper bounds of `buckets`, seconds. */
  static readonly bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1] as const;
  readonly buckets = new Array<number>(Counts.bounds.length + 1).fill(0);
  seconds = 0;
  events = 0;
  sockets = 0;

  answered(status: number, seconds: number): void {
    const group = Math.floor(status / 100);
    this.answers.set(group, (this.answers.get(group) ?? 0) + 1);
    const at = Counts.bounds.findIndex((bound) => seconds <= bound);
    const bucket = at < 0 ? Counts.bounds.length : at;
    this.buckets[bucket] = (this.buckets[bucket] ?? 0) + 1;
    this.seconds += seconds;
  }
}

/** One query parameter that may be given once. */
export function queryOf(request: FastifyRequest, name: string): string | undefined {
  const value = (request.query as Record<string, unknown>)[name];
  return typeof value === "string" ? value : undefined;
}

/** The trace of a request, in the form of W3C trace context. */
export function traceOf(request: FastifyRequest): string | undefined {
  const given = request.headers.traceparent;
  return typeof given === "string" && /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/.test(given)
    ? given
    : undefined;
}

/** A handler whose work waits its turn in a lane. */
export function inLane<T>(
  parts: Parts,
  request: FastifyRequest,
  lane: "control" | "read" | "bulk",
  act: (actor: Actor) => Promise<T> | T,
): Promise<T> {
  const actor = parts.actorOf(request);
  return parts.broker.run(lane, actor.caller, () => act(actor));
}

/** The reply type of handlers. */
export type Reply = FastifyReply;
