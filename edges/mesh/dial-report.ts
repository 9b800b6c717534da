import type { Clock } from "@skep/clock";
import { view, withoutPeer } from "./addresses.ts";
import type { Events } from "./events.ts";

/** The reason with which a dial is ended that nobody needs any more: no failure. */
export const won = new Error("another address answered first");

/** What a failed dial failed of, in few words: an errno name where there is one. */
export function rootCause(thrown: unknown): string {
  let found = thrown;
  for (let depth = 0; depth < 8 && found instanceof Error; depth++) {
    const { code } = found as { code?: unknown };
    if (typeof code === "string" && /^E[A-Z]+$/.test(code)) return code;
    const inner: unknown = found instanceof AggregateError ? found.errors[0] : found.cause;
    if (inner === undefined || inner === found) break;
    found = inner;
  }
  const text = found instanceof Error ? found.message : String(found);
  return /\b(E[A-Z]{4,})\b/.exec(text)?.[1] ?? (text.split("\n", 1)[0] ?? "").slice(0, 200);
}

/** A dial that failed, as `why` remembers it. */
export interface FailedDial {
  readonly at: number;
  readonly target: string;
  readonly cause: string;
  readonly ms: number;
}

const remembered = 8;

/** Tells and remembers every dial that failed, whoever wanted it. */
export class DialReport {
  readonly #events: Events;
  readonly #clock: Clock;
  readonly #last = new Map<string, FailedDial[]>();

  constructor(events: Events, clock: Clock) {
    this.#events = events;
    this.#clock = clock;
  }

  async watch<T>(target: string, signal: AbortSignal | undefined, dial: () => Promise<T>): Promise<T> {
    const begun = this.#clock.monotonic();
    try {
      return await dial();
    } catch (thrown) {
      if (signal?.reason !== won) {
        const cause = signal?.aborted ? rootCause(signal.reason) : rootCause(thrown);
        this.failed(target, cause, Math.round(this.#clock.monotonic() - begun));
      }
      throw thrown;
    }
  }

  failed(target: string, cause: string, ms: number): void {
    const { transport, peer } = view(target);
    this.#events.tell({ kind: "dial-failed", target, transport, duration_ms: ms, cause });
    if (peer === undefined) return;
    const list = (this.#last.get(peer) ?? []).filter((one) => one.target !== withoutPeer(target));
    list.push({ at: this.#clock.now(), target: withoutPeer(target), cause, ms });
    this.#last.delete(peer);
    this.#last.set(peer, list.slice(-remembered));
    const oldest = this.#last.size > 4096 ? this.#last.keys().next().value : undefined;
    if (oldest !== undefined) this.#last.delete(oldest);
  }

  /** The last failed dial to each address of a peer. */
  of(peer: string): readonly FailedDial[] {
    return this.#last.get(peer) ?? [];
  }

  forget(peer: string): void {
    this.#last.delete(peer);
  }
}
