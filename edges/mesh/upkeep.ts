import { randomInt } from "node:crypto";
import { type Clock, delay } from "@skep/clock";
import type { Links } from "./links.ts";

/** What looks after the paths is given. */
export interface Upkeeping {
  readonly clock: Clock;
  readonly links: Links;
  /** Dials a peer's own addresses. */
  readonly direct: (peer: string, signal: AbortSignal) => Promise<unknown>;
  /** Dials a peer in any way. */
  readonly any: (peer: string, signal: AbortSignal) => Promise<unknown>;
}

const second = 1000;
/** Pauses between tries for a direct path. */
const upgradePauses = [0, 5, 15, 45, 120, 300, 600].map((each) => each * second);
/** Milliseconds after which a peer's tries count from the first again. */
const calm = 120 * second;
const longestRedial = 30 * second;
const oneTry = 20 * second;

interface Upgrade {
  readonly stop: AbortController;
  readonly again: () => void;
  at: number;
}

/** Looks for direct paths to peers that are relayed, and keeps connected to those that are kept. */
export class Upkeep {
  readonly #with: Upkeeping;
  readonly #ended = new AbortController();
  readonly #upgrades = new Map<string, Upgrade>();
  readonly #begun = new Map<string, { readonly at: number; readonly step: number }>();
  readonly #kept = new Map<string, { count: number; wake: () => void }>();

  constructor(upkeeping: Upkeeping) {
    this.#with = upkeeping;
  }

  /** Milliseconds since 1970 of the next try for a direct path. */
  retryAt(peer: string): number | undefined {
    return this.#upgrades.get(peer)?.at;
  }

  isKept(peer: string): boolean {
    return this.#kept.has(peer);
  }

  kept(): Iterable<string> {
    return this.#kept.keys();
  }

  stop(): void {
    this.#ended.abort(new Error("the mesh is closed"));
  }

  /** Something about a peer has changed: its path, or its addresses. */
  changed(peer: string, news: "path" | "addresses"): void {
    const { links } = this.#with;
    const path = links.path(peer);
    const upgrade = this.#upgrades.get(peer);
    if (path === "relayed") {
      if (!upgrade) void this.#upgrade(peer);
      else if (news === "addresses") upgrade.again();
    } else upgrade?.stop.abort(new Error("no more relayed"));
    if (path === "none") this.#kept.get(peer)?.wake();
  }

  async #upgrade(peer: string): Promise<void> {
    const { clock, links, direct } = this.#with;
    const stop = new AbortController();
    const either = AbortSignal.any([stop.signal, this.#ended.signal]);
    let woken = new AbortController();
    const upgrade: Upgrade = { stop, again: () => woken.abort(), at: clock.now() };
    this.#upgrades.set(peer, upgrade);
    // A direct path that just died is not worth a try at once again and again.
    const recent = clock.monotonic() - (this.#begun.get(peer)?.at ?? Number.NEGATIVE_INFINITY) < calm;
    const from = recent ? (this.#begun.get(peer)?.step ?? 0) + 1 : 0;
    for (let step = from; !either.aborted && links.path(peer) === "relayed"; step++) {
      const pause = upgradePauses[Math.min(step, upgradePauses.length - 1)] ?? 0;
      upgrade.at = clock.now() + pause;
      await delay(clock, pause, AbortSignal.any([either, woken.signal])).catch(() => undefined);
      if (woken.signal.aborted) woken = new AbortController();
      if (either.aborted || links.path(peer) !== "relayed") break;
      this.#begun.delete(peer);
      this.#begun.set(peer, { at: clock.monotonic(), step });
      // Not ended by the success that it is about to have.
      await this.#limited((signal) => direct(peer, signal), this.#ended.signal);
    }
    const oldest = this.#begun.size > 4096 ? this.#begun.keys().next().value : undefined;
    if (oldest !== undefined) this.#begun.delete(oldest);
    if (this.#upgrades.get(peer) === upgrade) this.#upgrades.delete(peer);
  }

  async #limited(act: (signal: AbortSignal) => Promise<unknown>, stop: AbortSignal): Promise<boolean> {
    const limit = new AbortController();
    const timer = this.#with.clock.after(oneTry, () => limit.abort(new Error("ETIMEDOUT")));
    try {
      await act(AbortSignal.any([limit.signal, stop]));
      return true;
    } catch {
      return false;
    } finally {
      timer.stop();
    }
  }

  keep(peer: string, signal: AbortSignal | undefined): void {
    const known = this.#kept.get(peer);
    const entry = known ?? { count: 0, wake: () => {} };
    entry.count += 1;
    this.#kept.set(peer, entry);
    const leave = () => {
      entry.count -= 1;
      if (entry.count > 0 || this.#kept.get(peer) !== entry) return;
      this.#kept.delete(peer);
      entry.wake();
    };
    signal?.addEventListener("abort", leave, { once: true });
    if (!known) void this.#keep(peer, entry);
  }

  /** Nobody wants the peer any more. */
  drop(peer: string): void {
    const entry = this.#kept.get(peer);
    this.#kept.delete(peer);
    entry?.wake();
    this.#upgrades.get(peer)?.stop.abort(new Error("dropped"));
  }

  async #keep(peer: string, entry: { wake: () => void }): Promise<void> {
    const { clock, links, any } = this.#with;
    const wanted = () => this.#kept.get(peer) === entry && !this.#ended.signal.aborted;
    for (let pause = second; wanted(); ) {
      const woken = new AbortController();
      entry.wake = () => woken.abort();
      const stop = AbortSignal.any([woken.signal, this.#ended.signal]);
      if (links.path(peer) !== "none") {
        pause = second;
        await new Promise<void>((resolve) => stop.addEventListener("abort", () => resolve(), { once: true }));
      } else if (!(await this.#limited((signal) => any(peer, signal), this.#ended.signal))) {
        // Not all at the same moment, who lost the same peer.
        await delay(clock, randomInt(pause / 2, pause), stop).catch(() => undefined);
        pause = Math.min(2 * pause, longestRedial);
      }
    }
  }
}
