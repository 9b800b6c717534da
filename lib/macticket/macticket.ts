import { timingSafeEqual } from "node:crypto";
import { blake3 } from "@noble/hashes/blake3.js";
import {
  decodePayload,
  encodePayload,
  type MacClaims,
  type MacQuotas,
  type MacRole,
  type MacScope,
  type MacVerb,
  Misformed,
} from "./codec.ts";
import { fault } from "./faults.ts";

const prefix = "cohesix-ticket-";
const form = /^cohesix-ticket-((?:[0-9a-fA-F]{2}){1,8192})\.([0-9a-fA-F]{64})$/;

/** The most that a hive accepts in a console ticket, and what a ticket without quotas gets. */
export interface MacLimits {
  readonly scopes: number;
  /** Longest path of a scope, in bytes of UTF-8. */
  readonly path: number;
  /** Highest rate of a scope, per second. */
  readonly rate: number;
  readonly quotas: MacQuotas;
}

/** The limits of the original's reference configuration. */
export const macLimits: MacLimits = {
  scopes: 8,
  path: 128,
  rate: 64,
  quotas: { bandwidthBytes: 131_072n, cursorResumes: 16, cursorAdvances: 256 },
};

/** A console ticket whose code holds. */
export interface MacTicket {
  /** Names the ticket in journals and counters, 32 hex digits; nothing of the code can be got from it. */
  readonly id: string;
  readonly claims: MacClaims;
  /** Milliseconds since 1970 from which on it is expired; undefined when it never is. */
  readonly expiresAt: bigint | undefined;
  /** What holds for the session: the ticket's own, or the hive's maxima where it has none. */
  readonly quotas: MacQuotas;
  /**
   * The scope that lets the bearer do this: the longest prefix, on segment boundaries, that has the verb. A ticket
   * without scopes gives `"any"`, and the role alone decides.
   */
  allows(path: string, verb: "read" | "write"): MacScope | "any" | undefined;
}

/** What a ticket is verified against. */
export interface MacVerification {
  /** Secret of a role; undefined when the role may not attach by console ticket. */
  readonly secretOf: (role: MacRole) => string | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Role that the bearer asked for; a ticket of another role is denied. */
  readonly role?: MacRole;
  readonly limits?: MacLimits;
}

/** The MAC key of a secret: its BLAKE3 hash, 32 bytes. */
export function macKey(secret: string): Uint8Array {
  return blake3(Buffer.from(secret));
}

function codeOf(secret: string, payload: Uint8Array): Uint8Array {
  return blake3(payload, { key: macKey(secret) });
}

/** Mints a ticket; the same claims and secret always give the same text. Throws `macticket.unprintable`. */
export function mintMac(secret: string, claims: MacClaims): string {
  let payload: Buffer;
  try {
    payload = encodePayload(claims);
  } catch (thrown) {
    if (thrown instanceof Misformed) throw fault.unprintable(thrown.message);
    throw thrown;
  }
  return `${prefix}${payload.toString("hex")}.${Buffer.from(codeOf(secret, payload)).toString("hex")}`;
}

/** What the original mints for a role when nothing else is asked: queens without bounds, workers with budgets. */
export function defaultMacClaims(role: MacRole, issuedAt: bigint, subject?: string): MacClaims {
  const budgets =
    role === "queen"
      ? {}
      : role === "worker-gpu"
        ? { ops: 64n, ttl: 120n }
        : { ticks: 1000n, ops: 10_000n, ttl: 300n };
  return {
    role,
    ...budgets,
    ...(subject === undefined ? {} : { subject }),
    issuedAt,
    mount: { service: "", at: "" },
  };
}

/** Splits a ticket's text into its claims and its parts, without looking at the code. */
function read(text: string): { payload: Buffer; code: Buffer; claims: MacClaims } {
  const [, payloadHex = "", codeHex = ""] = form.exec(text) ?? [];
  const payload = Buffer.from(payloadHex, "hex");
  try {
    return { payload, code: Buffer.from(codeHex, "hex"), claims: decodePayload(payload) };
  } catch (thrown) {
    if (thrown instanceof Misformed) throw fault.denied();
    throw thrown;
  }
}

function isPath(path: string, limit: number): boolean {
  if (!path.startsWith("/") || Buffer.byteLength(path) > limit) return false;
  return (
    path === "/" ||
    path
      .slice(1)
      .split("/")
      .every((step) => step !== "" && step !== "." && step !== "..")
  );
}

function checkLimits({ scopes = [], quotas }: MacClaims, limits: MacLimits): void {
  if (scopes.length > limits.scopes) throw fault.claims(`more than ${limits.scopes} scopes`);
  for (const { path, rate } of scopes) {
    if (!isPath(path, limits.path)) throw fault.claims("path of a scope");
    if (rate > limits.rate) throw fault.claims(`rate over ${limits.rate} per second`);
  }
  if (!quotas) return;
  const isOver =
    quotas.bandwidthBytes > limits.quotas.bandwidthBytes ||
    quotas.cursorResumes > limits.quotas.cursorResumes ||
    quotas.cursorAdvances > limits.quotas.cursorAdvances;
  if (isOver) throw fault.claims("quota over the maximum");
}

function scopeFor(scopes: readonly MacScope[], path: string, verb: MacVerb): MacScope | undefined {
  let best: MacScope | undefined;
  for (const scope of scopes) {
    const covers = scope.path === "/" || path === scope.path || path.startsWith(`${scope.path}/`);
    if (!covers || (scope.verb !== verb && scope.verb !== "rw")) continue;
    if (!best || scope.path.length > best.path.length) best = scope;
    else if (scope.path.length === best.path.length && isTighter(scope, best)) best = scope;
  }
  return best;
}

/** Between two scopes at one path the one with a rate, or the lower rate, holds. */
function isTighter(scope: MacScope, than: MacScope): boolean {
  return scope.rate > 0 && (than.rate === 0 || scope.rate < than.rate);
}

/**
 * Verifies a ticket. Throws `macticket.denied` for a text that is no ticket, a code that does not hold or another
 * role, `macticket.claims` for claims beyond the limits, and `macticket.expired` from issue plus ttl on; their
 * `detail` is the console's tag. The code is compared in constant time.
 */
export function verifyMac(text: string, against: MacVerification): MacTicket {
  const { payload, code, claims } = read(text);
  const secret = against.secretOf(claims.role);
  if (secret === undefined || !timingSafeEqual(codeOf(secret, payload), code)) throw fault.denied();
  if (against.role !== undefined && against.role !== claims.role) throw fault.denied();
  const limits = against.limits ?? macLimits;
  checkLimits(claims, limits);
  const expiresAt = claims.ttl === undefined ? undefined : claims.issuedAt + claims.ttl * 1000n;
  if (expiresAt !== undefined && BigInt(Math.floor(against.now)) >= expiresAt) throw fault.expired();
  const { quotas, scopes } = claims;
  return {
    id: Buffer.from(blake3(payload, { dkLen: 16 })).toString("hex"),
    claims,
    expiresAt,
    quotas: {
      bandwidthBytes: quotas?.bandwidthBytes || limits.quotas.bandwidthBytes,
      cursorResumes: quotas?.cursorResumes || limits.quotas.cursorResumes,
      cursorAdvances: quotas?.cursorAdvances || limits.quotas.cursorAdvances,
    },
    allows(path, verb) {
      if (!isPath(path, Number.POSITIVE_INFINITY)) return undefined;
      return scopes ? scopeFor(scopes, path, verb) : "any";
    },
  };
}

/** Reads what a ticket claims without a secret, for showing only. Throws `macticket.denied` for what is no ticket. */
export function decodeMac(text: string): MacClaims {
  return read(text).claims;
}
