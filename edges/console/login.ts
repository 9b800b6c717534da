import type { Clock } from "@skep/clock";
import { Fault, faults, toFault } from "@skep/fault";
import type { Awaitable, ConsoleSession } from "./session.ts";
import type { TicketLimits } from "./meter.ts";

const fault = faults("console", {
  role: ["invalid", "Cannot attach: no such role", { detail: "invalid-role" }],
  denied: ["denied", "Cannot attach: the ticket is missing or does not verify", { detail: "denied" }],
  throttled: ["quota", "Cannot attach so soon after a failure"],
  limited: ["quota", "Cannot attach after so many failures"],
});

/** What a client shows at ATTACH; the role is canonical. */
export interface Credential {
  readonly role: string;
  readonly ticket?: string;
}

/** A session that was granted. */
export interface Attached {
  readonly session: ConsoleSession;
  /** Limits that the ticket itself carries; undefined where there is no ticket. */
  readonly limits?: TicketLimits;
}

/** Turns a credential into a session. Throws a Fault; its detail `expired` or `invalid-claims` is told. */
export type Login = (credential: Credential) => Awaitable<Attached>;

const roles = [
  "queen",
  "worker-heartbeat",
  "worker-gpu",
  "worker-bus",
  "worker-lora",
  "observer",
  "agent",
  "publisher",
];

/** The canonical name of a role, in any case; `worker` is `worker-heartbeat`. */
export function canonicalRole(text: string): string {
  const lower = text.toLowerCase();
  const role = lower === "worker" ? "worker-heartbeat" : lower;
  if (!roles.includes(role)) throw fault.role(text);
  return role;
}

const window = 60_000;
const penalty = 90_000;
const allowed = 3;

/** Failures of each role over all connections: three in 60 s, and bad ones are refused unseen for 90 s. */
export class RateLimit {
  readonly #clock: Clock;
  readonly #failures = new Map<string, number[]>();
  readonly #until = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds for which failures of this role are still answered `rate-limited`; 0 for none. */
  left(role: string): number {
    return Math.max(0, Math.ceil((this.#until.get(role) ?? 0) - this.#clock.monotonic()));
  }

  fail(role: string): void {
    const now = this.#clock.monotonic();
    const recent = (this.#failures.get(role) ?? []).filter((at) => now - at < window);
    recent.push(now);
    if (recent.length >= allowed) this.#until.set(role, now + penalty);
    this.#failures.set(role, recent.slice(-allowed));
  }
}

/** The attaches of one connection: after the n-th failure everything is refused for 250 ms · 2^(n-1), n at most 9. */
export class Attacher {
  readonly #clock: Clock;
  readonly #login: Login;
  readonly #rate: RateLimit;
  #failures = 0;
  #until = 0;

  constructor(clock: Clock, login: Login, rate: RateLimit) {
    this.#clock = clock;
    this.#login = login;
    this.#rate = rate;
  }

  async attach(role: string, ticket: string | undefined): Promise<Attached & { readonly role: string }> {
    const wait = Math.ceil(this.#until - this.#clock.monotonic());
    if (wait > 0) throw fault.throttled(undefined, { detail: `throttled delay_ms=${wait}` });
    const canonical = canonicalRole(role);
    try {
      if (ticket === undefined && canonical !== "queen") throw fault.denied();
      const attached = await this.#login({ role: canonical, ...(ticket === undefined ? {} : { ticket }) });
      this.#failures = 0;
      return { ...attached, role: canonical };
    } catch (thrown) {
      throw this.#failed(canonical, toFault(thrown));
    }
  }

  #failed(role: string, cause: Fault): Fault {
    // The hive's own state is not the client's failure.
    if (["busy", "cut", "timeout", "internal"].includes(cause.kind) || cause.detail?.startsWith("lifecycle-"))
      return cause;
    const limited = this.#rate.left(role);
    this.#until = this.#clock.monotonic() + 250 * 2 ** Math.min(this.#failures, 8);
    this.#failures++;
    this.#rate.fail(role);
    if (limited > 0) return fault.limited(undefined, { detail: `rate-limited delay_ms=${limited}` });
    return told(cause);
  }
}

/** The few words that an attach is refused with; why a ticket does not verify stays here. */
function told(cause: Fault): Fault {
  if (cause.detail === "expired") return new Fault("quota", cause.code, cause.message, { detail: "expired" });
  if (cause.detail === "invalid-claims") return cause;
  return fault.denied();
}
