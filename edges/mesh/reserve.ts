import { type Clock, delay } from "@skep/clock";
import type { Events } from "./events.ts";
import { fault } from "./faults.ts";

/** A reservation that stands. */
export interface Held {
  /** Milliseconds since 1970. */
  readonly expires: number;
  /** Addresses of this node through the relay. */
  readonly addresses: readonly string[];
  /** Aborts when the connection to the relay ends, with which the reservation ends. */
  readonly cut: AbortSignal;
}

/** What the keeper of a reservation is given. */
export interface Reserving {
  readonly clock: Clock;
  readonly events: Events;
  /** Relays by their peer, the wanted ones first. */
  readonly relays: () => readonly string[];
  /** Asks a relay, over a connection that is made when there is none. */
  readonly ask: (relay: string, signal: AbortSignal) => Promise<Held>;
  /** The addresses through relays have changed. */
  readonly changed: () => void;
}

const second = 1000;
/** Milliseconds before the end at which it is renewed. */
export const renewBefore = 30 * second;
const longestPause = 15 * second;
const asking = 15 * second;

const said = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));

/** Holds one reservation: asks for it, renews it, and goes to another relay when it is lost. */
export class Reservations {
  readonly #with: Reserving;
  readonly #stop = new AbortController();
  #held: Held | undefined;
  #running: Promise<void> | undefined;
  #wake = () => {};

  constructor(reserving: Reserving) {
    this.#with = reserving;
  }

  get addresses(): readonly string[] {
    return this.#held?.addresses ?? [];
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** A relay has come to be known, or reached. */
  nudge(): void {
    this.#wake();
  }

  async stop(): Promise<void> {
    this.#stop.abort(fault.closed());
    await this.#running;
  }

  async #ask(relay: string): Promise<Held> {
    const { clock, ask } = this.#with;
    const limit = new AbortController();
    const timer = clock.after(asking, () => limit.abort(new Error("ETIMEDOUT")));
    try {
      return await ask(relay, AbortSignal.any([limit.signal, this.#stop.signal]));
    } finally {
      timer.stop();
    }
  }

  #set(held: Held | undefined): void {
    this.#held = held;
    this.#with.changed();
  }

  async #pause(ms: number): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    const rest = delay(this.#with.clock, ms, AbortSignal.any([woken.signal, this.#stop.signal]));
    await rest.catch(() => undefined);
  }

  async #run(): Promise<void> {
    const { events, relays } = this.#with;
    let last: string | undefined;
    let tried = new Set<string>();
    for (let pause = second; !this.#stop.signal.aborted; ) {
      const known = relays();
      const fresh = known.filter((relay) => !tried.has(relay));
      // Another one than the one that was just lost, while there is one.
      const relay = fresh.find((one) => one !== last) ?? fresh[0];
      if (relay === undefined) {
        await this.#pause(known.length === 0 ? longestPause : pause);
        pause = Math.min(2 * pause, longestPause);
        tried = new Set();
        continue;
      }
      tried.add(relay);
      events.tell({ kind: "reservation", relay, state: "requesting" });
      try {
        const held = await this.#ask(relay);
        pause = second;
        tried = new Set();
        const why = await this.#hold(relay, held);
        last = relay;
        this.#set(undefined);
        if (!this.#stop.signal.aborted) events.tell({ kind: "reservation", relay, state: "lost", why });
      } catch (thrown) {
        if (!this.#stop.signal.aborted)
          events.tell({ kind: "reservation", relay, state: "lost", why: said(thrown) });
      }
    }
  }

  /** Renews until it is lost; tells why it was. */
  async #hold(relay: string, first: Held): Promise<string> {
    const { clock, events } = this.#with;
    let held = first;
    for (;;) {
      this.#set(held);
      events.tell({ kind: "reservation", relay, state: "active", expires: held.expires });
      const left = held.expires - clock.now();
      const wait = left > 2 * renewBefore ? left - renewBefore : left / 2;
      // A timer holds less than 25 days.
      await delay(
        clock,
        Math.min(Math.max(wait, second), 2 ** 31 - 1),
        AbortSignal.any([held.cut, this.#stop.signal]),
      ).catch(() => undefined);
      if (this.#stop.signal.aborted) return "the mesh is closed";
      if (held.cut.aborted) return "the connection to the relay ended";
      events.tell({ kind: "reservation", relay, state: "renewing", expires: held.expires });
      try {
        held = await this.#ask(relay);
      } catch (thrown) {
        return said(thrown);
      }
    }
  }
}
