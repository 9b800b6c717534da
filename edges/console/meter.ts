import type { Clock } from "@skep/clock";
import { faults } from "@skep/fault";

const fault = faults("console", {
  scope: ["denied", "Cannot do this: no scope of the ticket covers it", { detail: "ticket-scope" }],
  rate: ["quota", "Cannot do this so often: the scope's rate is used up", { detail: "ticket-limit" }],
  bandwidth: ["quota", "Cannot do this: the ticket's bandwidth is used up", { detail: "ticket-limit" }],
  cursor: ["quota", "Cannot read on: the ticket's cursor moves are used up", { detail: "ticket-limit" }],
});

/** What a scope lets a ticket do. */
export type ScopeVerb = "read" | "write" | "rw";

/** Limits that a ticket carries (facts §6); what is absent is unlimited. */
export interface TicketLimits {
  /** Where the ticket works; absent means everywhere its role does. A rate of 0 is none. */
  readonly scopes?: readonly { readonly path: string; readonly verb: ScopeVerb; readonly rate: number }[];
  /** Payload of ECHO and returned lines, bytes, for as long as the session lives. */
  readonly bandwidth?: number;
  /** Reads that went back, and TAILs, for as long as the session lives. */
  readonly resumes?: number;
  readonly advances?: number;
}

interface Scope {
  readonly path: string;
  readonly verb: ScopeVerb;
  readonly rate: number;
  since: number;
  used: number;
}

/** Of two scopes at one path the one with a rate holds, and of two rates the lower. */
const tightness = (rate: number) => (rate === 0 ? 0 : 1 / rate);

function covers(scope: Scope, path: string, verb: "read" | "write"): boolean {
  if (scope.verb !== "rw" && scope.verb !== verb) return false;
  return scope.path === "/" || path === scope.path || path.startsWith(`${scope.path}/`);
}

/** Counts what one session does against its ticket's own limits, and keeps its place in each stream. */
export class TicketMeter {
  readonly #clock: Clock;
  readonly #limits: TicketLimits;
  readonly #scopes: Scope[] | undefined;
  readonly #cursors = new Map<string, number>();
  #bytes = 0;
  #resumes = 0;
  #advances = 0;

  constructor(limits: TicketLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
    this.#scopes = limits.scopes
      ?.map((scope) => ({ ...scope, since: Number.NEGATIVE_INFINITY, used: 0 }))
      .sort((a, b) => b.path.length - a.path.length || tightness(b.rate) - tightness(a.rate));
  }

  /** The longest scope with the verb decides; its rate counts in windows of one second. */
  use(path: string, verb: "read" | "write"): void {
    if (!this.#scopes) return;
    const scope = this.#scopes.find((each) => covers(each, path, verb));
    if (!scope) throw fault.scope(path);
    if (scope.rate === 0) return;
    const now = this.#clock.monotonic();
    if (now - scope.since >= 1000) {
      scope.since = now;
      scope.used = 0;
    }
    if (scope.used >= scope.rate) throw fault.rate(path);
    scope.used++;
  }

  /** Counts bytes of payload or answer; what does not fit is not counted. */
  count(bytes: number): void {
    const most = this.#limits.bandwidth;
    if (most !== undefined && this.#bytes + bytes > most) throw fault.bandwidth();
    this.#bytes += bytes;
  }

  /** Where the next TAIL of this stream goes on; it costs one advance, found empty or not. */
  advance(path: string): number | undefined {
    if (this.#limits.advances !== undefined && this.#advances >= this.#limits.advances)
      throw fault.cursor(path);
    this.#advances++;
    return this.#cursors.get(path);
  }

  /** A stream that is shorter than its cursor began anew: going back costs one resume. */
  resume(path: string): void {
    if (this.#limits.resumes !== undefined && this.#resumes >= this.#limits.resumes) throw fault.cursor(path);
    this.#resumes++;
  }

  moved(path: string, next: number): void {
    this.#cursors.set(path, next);
  }
}
