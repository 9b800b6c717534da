import { type KeyObject, randomBytes } from "node:crypto";
import type { Clock } from "@skep/clock";
import { fault } from "../faults.ts";
import { digestOf } from "./principals.ts";
import { isSigned, pageKey, type Proof, type Signed, signedText, socketText } from "./proof.ts";

/** Where sessions of pages outlive the program. What it keeps opens sessions: others must not read it. */
export interface SessionStore {
  load(): string | undefined;
  /** Ends when it would outlive a crash. */
  save(text: string): void | Promise<void>;
}

/** What is kept of a page's session. */
interface Kept {
  /** Digest of the cookie's value. */
  readonly id: string;
  readonly x: string;
  readonly y: string;
  readonly token: string;
  /** Milliseconds since 1970. */
  readonly until: number;
}

const lives = 12 * 3600_000;
const most = 256;
/** Milliseconds by which the time in a proof may differ. */
const skew = 120_000;
const mostNonces = 50_000;

/** One page: a cookie that is of no use without the signatures of the page's own key. */
export class BrowserSession {
  readonly kept: Kept;
  readonly #clock: Clock;
  readonly #key: KeyObject;
  readonly #nonces = new Map<string, number>();
  #armedUntil = 0;

  constructor(kept: Kept, clock: Clock) {
    this.kept = kept;
    this.#clock = clock;
    this.#key = pageKey(kept.x, kept.y);
  }

  /** Names the session where it is told. */
  get label(): string {
    return this.kept.id.slice(0, 12);
  }

  /** Throws `http.proof` and `http.replayed`. */
  check(signed: Signed, { time, nonce, signature }: Proof): void {
    const now = this.#clock.now();
    if (Math.abs(now - time) > skew) throw fault.proof("its time is off: compare the clocks");
    if (!isSigned(this.#key, signedText(signed, time, nonce), signature)) throw fault.proof();
    for (const [old, until] of this.#nonces) {
      if (until > now) break;
      this.#nonces.delete(old);
    }
    if (this.#nonces.has(nonce)) throw fault.replayed();
    if (this.#nonces.size >= mostNonces) throw fault.rate("signed requests");
    this.#nonces.set(nonce, now + 2 * skew);
  }

  /** Throws `http.proof`. */
  checkSocket(origin: string, challenge: string, signature: string): void {
    const bytes = Buffer.from(signature, "base64url");
    if (bytes.length !== 64 || !isSigned(this.#key, socketText(origin, challenge), bytes))
      throw fault.proof();
  }

  /** Milliseconds for which it may still write; 0 when it is read-only. */
  get armedFor(): number {
    return Math.max(0, this.#armedUntil - this.#clock.monotonic());
  }

  arm(ms: number): void {
    this.#armedUntil = this.#clock.monotonic() + ms;
  }

  disarm(): void {
    this.#armedUntil = 0;
  }
}

function isKept(value: unknown): value is Kept {
  const { id, x, y, token, until } = (value ?? {}) as Record<string, unknown>;
  return [id, x, y, token].every((text) => typeof text === "string") && typeof until === "number";
}

/** Sessions of pages. Over a restart they stay, read-only. */
export class BrowserSessions {
  readonly #clock: Clock;
  readonly #store: SessionStore | undefined;
  readonly #report: (thrown: unknown) => void;
  readonly #sessions = new Map<string, BrowserSession>();
  #saving: Promise<void> = Promise.resolve();

  /** `report` hears why what nobody waits for was not kept. */
  constructor(clock: Clock, store?: SessionStore, report: (thrown: unknown) => void = () => undefined) {
    this.#clock = clock;
    this.#store = store;
    this.#report = report;
    for (const kept of this.#loaded())
      if (kept.until > clock.now()) this.#sessions.set(kept.id, new BrowserSession(kept, clock));
  }

  /** Ends when what was opened would outlive the program. */
  kept(): Promise<void> {
    return this.#saving;
  }

  #loaded(): Kept[] {
    try {
      const known: unknown = JSON.parse(this.#store?.load() ?? "[]");
      return Array.isArray(known) ? known.filter(isKept).slice(0, most) : [];
    } catch {
      // Whoever had a session opens a new one.
      return [];
    }
  }

  async #save(): Promise<void> {
    await this.#store?.save(JSON.stringify([...this.#sessions.values()].map(({ kept }) => kept)));
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** A session for a ticket and a page's key; the cookie's value is told only here. Throws `http.proof`. */
  open(token: string, x: string, y: string): { readonly cookie: string; readonly session: BrowserSession } {
    const cookie = randomBytes(32).toString("base64url");
    const kept = { id: digestOf(cookie), x, y, token, until: this.#clock.now() + lives };
    const session = new BrowserSession(kept, this.#clock);
    this.#sessions.set(kept.id, session);
    const oldest = this.#sessions.size > most ? this.#sessions.keys().next().value : undefined;
    if (oldest !== undefined) this.#sessions.delete(oldest);
    // A page is not kept waiting for the disk: one that is forgotten by a crash opens another.
    this.#saving = this.#save().catch(this.#report);
    return { cookie, session };
  }

  /** The session of a cookie; it opens nothing before `check`. */
  find(cookie: string): BrowserSession | undefined {
    const found = this.#sessions.get(digestOf(cookie));
    if (!found || found.kept.until > this.#clock.now()) return found;
    this.#saving = this.end(found).catch(this.#report);
    return undefined;
  }

  /** It opens nothing from now on; ends when that outlives a crash. */
  async end({ kept }: BrowserSession): Promise<void> {
    if (this.#sessions.delete(kept.id)) await this.#save();
  }
}
