import { randomBytes } from "node:crypto";
import type { Clock } from "@skep/clock";
import { type Fault, toFault } from "@skep/fault";
import type { Session } from "@skep/kernel";
import { Authenticator, type Gateway } from "./auth/authenticate.ts";
import { BrowserSessions, type SessionStore } from "./auth/browser.ts";
import { Codes } from "./auth/codes.ts";
import { type HttpDoor, Principals } from "./auth/principals.ts";
import { Broker } from "./broker.ts";
import { fault } from "./faults.ts";
import type { Hosts } from "./host.ts";
import { Hubs } from "./live/hub.ts";
import { type About, Counts, type Parts } from "./parts.ts";
import { Pieces } from "./tree/pieces.ts";
import { Spool } from "./tree/spool.ts";
import { Uploads } from "./tree/uploads.ts";

/** The hive behind the gateway; without one only the log and the health are shown. */
export interface HttpHive {
  readonly door: HttpDoor;
  /** The root of the tree, for the description of what there is. */
  readonly tree: Session["root"]["place"];
  readonly about: About;
  readonly gateway?: Gateway;
  readonly store?: SessionStore;
  /** A directory for what has come of uploads that wait; without one it stays in memory. */
  readonly spool?: string;
  /** Where the files of the page are, and what makes them: ends when they are there. */
  readonly page?: { readonly dir: string; ready(): Promise<unknown> };
}

/** What the gateway tells of itself once it is loaded. */
export interface AppFigures {
  /** Tickets whose sessions are open. */
  readonly sessions: number;
  readonly pages: number;
  readonly sockets: number;
  readonly events: number;
  readonly topics: number;
  readonly uploads: number;
  readonly waiting: number;
  readonly refused: number;
  /** Answers by the class of their status. */
  readonly answers: Readonly<Record<string, number>>;
  /** Time of answers: counts up to each bound in seconds, the last without one, and their sum. */
  readonly seconds: {
    readonly bounds: readonly number[];
    readonly counts: readonly number[];
    readonly sum: number;
  };
}

/** What the parts are made with. */
export interface PartsOptions {
  readonly clock: Clock;
  readonly hive: HttpHive;
  readonly hosts: Hosts;
  /** The port that is listened on. */
  readonly port: () => number;
  readonly tls?: object;
  readonly slots?: number;
  readonly within?: number;
  readonly report?: (fault: Fault) => void;
}

/** Everything behind the routes, with its end and its figures. */
export function makeParts({ clock, hive, hosts, port, tls, slots, within, report }: PartsOptions) {
  const principals = new Principals(hive.door, clock);
  const pages = new BrowserSessions(clock, hive.store, (thrown) => report?.(toFault(thrown)));
  // Cookies are shared by all ports of a host, so the port is in the name.
  const cookie = (): string => `${tls ? "__Host-" : ""}skep-${port()}`;
  const parts: Parts = {
    clock,
    about: hive.about,
    pages,
    cookie,
    hosts,
    stall: within ?? 60_000,
    tls: tls !== undefined,
    broker: new Broker({ clock, defer: setImmediate, ...(slots !== undefined && { slots }) }),
    authenticator: new Authenticator(principals, pages, hive.gateway, cookie),
    codes: new Codes(clock),
    hubs: new Hubs(clock, randomBytes(4).toString("hex"), (key) => principals.touch(key)),
    uploads: new Uploads(clock),
    pieces: new Pieces(),
    ...(hive.spool !== undefined && { spool: new Spool(hive.spool) }),
    counts: new Counts(),
    report: (found) => report?.(found),
    actorOf: ({ actor }) => {
      if (!actor) throw fault.ticket();
      return actor;
    },
  };
  const figures = (): AppFigures => ({
    sessions: principals.size,
    pages: pages.size,
    sockets: parts.counts.sockets,
    events: parts.counts.events,
    topics: parts.hubs.topics,
    uploads: parts.uploads.size,
    waiting: parts.broker.waiting,
    refused: parts.broker.refused,
    answers: Object.fromEntries([...parts.counts.answers].map(([group, count]) => [`${group}xx`, count])),
    seconds: { bounds: Counts.bounds, counts: parts.counts.buckets, sum: parts.counts.seconds },
  });
  const close = async (): Promise<void> => {
    parts.hubs.close();
    principals.close();
    await pages.kept();
    await parts.uploads.close();
    await parts.spool?.[Symbol.asyncDispose]();
  };
  return { parts, figures, close };
}
