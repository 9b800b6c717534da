import { faults } from "@skep/fault";
import { type Authority, fullAuthority, type Session } from "@skep/kernel";
import {
  decodeMac,
  type MacLimits,
  type MacRole,
  type MacTicket,
  macRoles,
  verifyMac,
} from "@skep/macticket";
import { doorOf } from "./door.ts";
import type { Credential, Login } from "./login.ts";
import type { TicketLimits } from "./meter.ts";
import type { Awaitable } from "./session.ts";

const fault = faults("console", {
  role: ["denied", "Cannot attach: the ticket is for another role", { detail: "denied" }],
  secret: ["denied", "Cannot attach: this role takes no console ticket", { detail: "denied" }],
});

/** A public-key ticket that was verified. */
export interface Verified {
  readonly authority: Authority;
  /** Cursor budgets of the ticket, where it has any. */
  readonly limits?: TicketLimits;
}

/** What turns tickets into sessions. */
export interface TicketLoginOptions {
  /** Secret of a role for console (MAC) tickets; undefined when the role has none. */
  readonly secretOf: (role: MacRole) => string | undefined;
  readonly macLimits?: MacLimits;
  /** Verifies a public-key ticket; throws a Fault, whose detail `expired` is told. */
  readonly verify: (ticket: string, now: number) => Awaitable<Verified>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /**
   * Milliseconds since this start. Where given, console tickets that were issued before there could be a clock, such as
   * the fixtures of the original with 0, live by it: its image had no other.
   */
  readonly uptime?: () => number;
  /** The kernel's attach. */
  readonly attach: (authority: Authority) => Session;
}

/** Milliseconds since 1970 in 2001: an issue before that was told by a clock that began with its machine. */
const noClockBefore = 1_000_000_000_000n;
const isBelow = (path: string, dir: string) => path === dir || path.startsWith(`${dir}/`);
/** Workers may write their buses and nothing else of the hive; blobs are not theirs to read. */
const workerWrites = ["/bus", "/lora"];
const workerHidden = ["/cas", "/updates", "/models"];

function workerMay(path: string, verb: string): boolean {
  if (verb === "write") return workerWrites.some((dir) => isBelow(path, dir));
  return verb === "read" && !workerHidden.some((dir) => isBelow(path, dir));
}

/**
 * What the bearer of a console ticket may do: a queen all, a worker what the original lets it, both within the
 * ticket's scopes. Outside its scopes a path still exists, because the original refuses there with EPERM. `since` is when
 * the clock of the ticket began, milliseconds since 1970.
 */
export function macAuthority(ticket: MacTicket, since = 0): Authority {
  const { role, subject } = ticket.claims;
  const grant = { meters: [] };
  const mayRole = (path: string, verb: string) => role === "queen" || workerMay(path, verb);
  const inScope = (path: string, verb: string) =>
    ticket.allows(path, verb === "read" ? "read" : "write") !== undefined;
  return {
    subject: subject ?? role,
    role,
    blocks: [{ id: ticket.id }],
    ...(ticket.expiresAt === undefined ? {} : { expiresAt: Number(ticket.expiresAt) + since }),
    allows: (path, verb) => (mayRole(path, verb) && inScope(path, verb) ? grant : undefined),
    touches: (path) => mayRole(path, "read") || mayRole(path, "write"),
  };
}

function macLimitsOf({ claims, quotas }: MacTicket): TicketLimits {
  return {
    ...(claims.scopes === undefined ? {} : { scopes: claims.scopes }),
    bandwidth: Number(quotas.bandwidthBytes),
    resumes: quotas.cursorResumes,
    advances: quotas.cursorAdvances,
  };
}

const isMacRole = (role: string): role is MacRole => (macRoles as readonly string[]).includes(role);

/** The roles that a ticket of ours may be shown for: `worker` is what the console calls `worker-heartbeat`. */
function isShownFor(owned: string, asked: string): boolean {
  return owned === asked || (owned === "worker" && asked === "worker-heartbeat");
}

/**
 * A login by ticket: console tickets by their MAC, every other text as a public-key ticket. A queen needs none,
 * because who knows the console's token is the operator.
 */
export function ticketLogin(options: TicketLoginOptions): Login {
  const { secretOf, macLimits, verify, now, attach, uptime } = options;
  const byMac = (ticket: string, role: string) => {
    if (!isMacRole(role)) throw fault.secret(role);
    const since = uptime && decodeMac(ticket).issuedAt < noClockBefore ? now() - uptime() : 0;
    const verified = verifyMac(ticket, {
      secretOf,
      now: now() - since,
      role,
      ...(macLimits === undefined ? {} : { limits: macLimits }),
    });
    return { session: doorOf(attach(macAuthority(verified, since))), limits: macLimitsOf(verified) };
  };
  return async ({ role, ticket }: Credential) => {
    if (ticket === undefined) return { session: doorOf(attach(fullAuthority("queen", "queen", "console"))) };
    if (ticket.startsWith("cohesix-ticket-")) return byMac(ticket, role);
    const { authority, limits } = await verify(ticket, now());
    if (!isShownFor(authority.role, role)) throw fault.role(authority.role);
    return { session: doorOf(attach(authority)), ...(limits === undefined ? {} : { limits }) };
  };
}
