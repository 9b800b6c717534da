import { type Fault, type FaultKind, kinds } from "@skep/fault";
import { type ErrReply, printErr } from "./reply.ts";

const path = ["invalid-path", "invalid path"] as const;
const denied = ["denied", "EPERM"] as const;
const payload = ["invalid-payload", "invalid payload"] as const;
const unsupported = ["unsupported", "unsupported"] as const;

/** The only table from a kind of failure to the console's `detail=` and `error=`; `reason=` comes from lib/fault. */
const words: Record<FaultKind, readonly [detail: string, error: string]> = {
  absent: path,
  notDirectory: path,
  isDirectory: path,
  nameTooLong: path,
  denied,
  refused: denied,
  unauthenticated: denied,
  invalid: payload,
  conflict: payload,
  stale: payload,
  oversize: payload,
  quota: ["buffer-full", "buffer full"],
  unsupported,
  noData: unsupported,
  badHandle: unsupported,
  waiting: ["waiting", "needs approval"],
  busy: ["busy", "busy"],
  timeout: ["timeout", "timeout"],
  unknown: ["unknown", "unknown outcome"],
  canceled: ["canceled", "canceled"],
  cut: ["root-unreachable", "unreachable"],
  failed: ["failed", "failed"],
  corrupt: ["corrupt", "corrupt"],
  internal: ["internal", "internal error"],
};

const errorOf = new Map(Object.values(words));

/** Tags of a fault's `detail` that stand in `error=` alone: the limits that a ticket sets (facts §5). */
const ticketLimits: Record<string, string> = { "ticket-scope": "EPERM", "ticket-limit": "ELIMIT" };
/** Codes whose form on the console is not that of their kind. */
const byCode: Record<string, string> = {
  "gate.rate": "ticket-limit",
  "gate.budget": "ticket-limit",
  "session.rate": "ticket-limit",
  "session.budget": "ticket-limit",
};

/** The tag of a fault: of its code, else its own, else that of its kind. A bad path is no bad payload. */
function tagOf(fault: Fault): string {
  if (fault.code.startsWith("path.")) return path[0];
  return byCode[fault.code] ?? fault.detail ?? words[fault.kind][0];
}

/**
 * A fault as the refusal that the console sends. A fault's own `detail` replaces the table's tag, with its
 * `error=` where the table knows one; `ticket-scope` and
 * `ticket-limit` give the two forms that have only `error=EPERM` and `error=ELIMIT`. TAIL names an invalid path without
 * `error=`, as the original does.
 */
export function refusalOf(verb: string, fault: Fault, at?: string): ErrReply {
  const base = { status: "ERR", verb, reason: kinds[fault.kind].reason } as const;
  const place = at === undefined ? {} : { path: at };
  const tag = tagOf(fault);
  const limit = ticketLimits[tag];
  if (limit !== undefined) return { ...base, ...place, error: limit };
  const error = errorOf.get(tag);
  if (error === undefined || (verb === "TAIL" && tag === path[0])) return { ...base, detail: tag, ...place };
  return { ...base, detail: tag, ...place, error };
}

/** A fault as the line that the console sends. */
export function printRefusal(verb: string, fault: Fault, at?: string): string {
  return printErr(refusalOf(verb, fault, at));
}
