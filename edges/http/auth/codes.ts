import { randomBytes } from "node:crypto";
import type { Clock } from "@skep/clock";
import { fault } from "../faults.ts";
import { digestOf } from "./principals.ts";

interface Code {
  readonly id: string;
  readonly token: string;
  readonly until: number;
}

/** How a code fares, for whoever made it. */
export type CodeState = "open" | "used" | "expired";

const lives = 60_000;
const most = 64;

/** One-time codes: each lives 60 seconds and opens one session of the ticket that asked for it. */
export class Codes {
  readonly #clock: Clock;
  /** By digest: the code itself is kept nowhere. */
  readonly #codes = new Map<string, Code>();
  readonly #used = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A new code for a ticket. */
  make(token: string): { readonly code: string; readonly id: string; readonly lives: number } {
    this.#forget();
    if (this.#codes.size >= most) throw fault.rate("codes");
    const code = randomBytes(24).toString("base64url");
    const id = randomBytes(9).toString("base64url");
    this.#codes.set(digestOf(code), { id, token, until: this.#clock.monotonic() + lives });
    return { code, id, lives: lives / 1000 };
  }

  /** The ticket of a code, which is of no use any more. Throws `http.code`. */
  take(code: string): string {
    this.#forget();
    const digest = digestOf(code);
    const found = this.#codes.get(digest);
    if (!found) throw fault.code();
    this.#codes.delete(digest);
    this.#used.set(found.id, this.#clock.monotonic() + lives);
    return found.token;
  }

  state(id: string): CodeState {
    this.#forget();
    if (this.#used.has(id)) return "used";
    for (const code of this.#codes.values()) if (code.id === id) return "open";
    return "expired";
  }

  #forget(): void {
    const now = this.#clock.monotonic();
    for (const [digest, { until }] of this.#codes) if (until <= now) this.#codes.delete(digest);
    for (const [id, until] of this.#used) if (until <= now) this.#used.delete(id);
  }
}
