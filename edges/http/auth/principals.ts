import { hash } from "node:crypto";
import type { Clock, Timer } from "@skep/clock";
import { type Fault, toFault } from "@skep/fault";
import type { Session } from "@skep/kernel";
import { fault } from "../faults.ts";
import { Buckets } from "../bucket.ts";

/** Where tickets become sessions: the one thing of a hive that this edge is given. */
export interface HttpDoor {
  /** A session with a ticket's authority; throws the `ticket.*` fault of its refusal. */
  attach(credential: { readonly kind: "ticket"; readonly token: string }, edge: string): Promise<Session>;
}

/** The holder of one ticket, or one part of it: its session is shared by all requests that show it. */
export interface Principal {
  /** Names the ticket without telling it. */
  readonly key: string;
  readonly session: Session;
}

interface Entry {
  readonly principal: Promise<Principal>;
  used: number;
}

const longest = 16 * 1024;
/** Milliseconds for which a refused ticket stays refused without being looked at again. */
const sour = 5000;

/** A name for a secret under which it can be kept in memory and told. */
export function digestOf(secret: string): string {
  return hash("sha256", secret, "hex");
}

/** Sessions by ticket: verified once, used until revoked, expired or idle. */
export class Principals {
  readonly #door: HttpDoor;
  readonly #clock: Clock;
  readonly #most: number;
  readonly #idle: number;
  readonly #entries = new Map<string, Entry>();
  readonly #refused = new Map<string, { readonly fault: Fault; readonly until: number }>();
  // Verifying costs a millisecond or more, and anybody can ask for it: what fails counts.
  readonly #failures: Buckets;
  #timer: Timer | undefined;

  constructor(door: HttpDoor, clock: Clock, most = 8192, idle = 600_000) {
    this.#door = door;
    this.#clock = clock;
    this.#most = most;
    this.#idle = idle;
    this.#failures = new Buckets(clock, 50, 100, 1);
    this.#sweep();
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The session of a ticket; `part` keeps apart those that share a ticket and not a session. */
  of(token: string, part = ""): Promise<Principal> {
    if (token.length > longest) return Promise.reject(fault.header("a ticket that long"));
    const key = digestOf(`${part}\n${token}`);
    const known = this.#entries.get(key);
    if (known) {
      known.used = this.#clock.monotonic();
      return known.principal;
    }
    const refused = this.#refused.get(key);
    if (refused && this.#clock.monotonic() < refused.until) return Promise.reject(refused.fault);
    if (!this.#failures.has("")) return Promise.reject(fault.rate("too many were refused"));
    const principal = this.#attach(token, key);
    this.#entries.set(key, { principal, used: this.#clock.monotonic() });
    this.#bound();
    return principal;
  }

  async #attach(token: string, key: string): Promise<Principal> {
    try {
      const session = await this.#door.attach({ kind: "ticket", token }, "http");
      session.onClose(() => void this.#entries.delete(key));
      return { key, session };
    } catch (thrown) {
      const found = toFault(thrown);
      this.#entries.delete(key);
      this.#failures.take("");
      if (this.#refused.size > 1000) this.#refused.clear();
      if (found.kind === "unauthenticated")
        this.#refused.set(key, { fault: found, until: this.#clock.monotonic() + sour });
      throw found;
    }
  }

  // Beyond the bound the one longest unused goes: it can come back with its ticket.
  #bound(): void {
    if (this.#entries.size <= this.#most) return;
    let oldest: [string, Entry] | undefined;
    for (const one of this.#entries) if (!oldest || one[1].used < oldest[1].used) oldest = one;
    if (oldest) this.#drop(...oldest);
  }

  #drop(key: string, { principal }: Entry): void {
    this.#entries.delete(key);
    principal.then(
      ({ session }) => session.close("idle"),
      () => undefined,
    );
  }

  #sweep(): void {
    this.#timer = this.#clock.after(60_000, () => {
      const before = this.#clock.monotonic() - this.#idle;
      for (const [key, entry] of this.#entries) if (entry.used < before) this.#drop(key, entry);
      this.#sweep();
    });
  }

  /** Counts as use: a stream that runs keeps its session. */
  touch(key: string): void {
    const known = this.#entries.get(key);
    if (known) known.used = this.#clock.monotonic();
  }

  close(): void {
    this.#timer?.stop();
    for (const [key, entry] of this.#entries) this.#drop(key, entry);
  }
}
