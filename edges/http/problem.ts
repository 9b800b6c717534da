import type { FastifyReply } from "fastify";
import { type Fault, type FaultKind, kinds } from "@skep/fault";
import type { Answer } from "@skep/kernel";

/** RFC 9457: a refusal as JSON, with what the table of faults says. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly kind: FaultKind;
  readonly reason: string;
  /** The next step that cures it. */
  readonly next?: string;
}

const typeOf = (code: string): string => `urn:skep:fault:${code}`;

/** A fault as a problem; what is internal says no more than that. */
export function problemOf({ kind, code, message, cure, row }: Fault): Problem {
  return {
    type: typeOf(code),
    title: kind,
    status: row.http,
    detail: message,
    code,
    kind,
    reason: row.reason,
    ...(cure === undefined ? {} : { next: cure }),
  };
}

/** The refusal of a line as a problem. */
export function problemOfAnswer({ kind, code = "internal", message = "", next }: Answer): Problem {
  const name: FaultKind = kind !== undefined && kind in kinds ? (kind as FaultKind) : "internal";
  const { http, reason } = kinds[name];
  return {
    type: typeOf(code),
    title: name,
    status: http,
    detail: message,
    code,
    kind: name,
    reason,
    ...(next === undefined ? {} : { next }),
  };
}

/** Seconds to wait for what passes by itself; undefined for what does not. */
export function retryAfter(kind: string): number | undefined {
  return kind === "busy" || kind === "quota" || kind === "cut" || kind === "timeout" ? 1 : undefined;
}

/** Sends a problem with its status. */
export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  // As bytes, so that no charset is added: JSON has none.
  reply.code(problem.status).header("Content-Type", "application/problem+json");
  return reply.header("Cache-Control", "no-store").send(Buffer.from(`${JSON.stringify(problem)}\n`));
}
