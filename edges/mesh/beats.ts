import type { Connection, Stream } from "@libp2p/interface";
import type { Clock } from "@skep/clock";
import { answer, answerWithin, beat, beatProtocol, expect } from "./beat.ts";
import type { Link, Links } from "./links.ts";
import { type Pulse, pulseOf } from "./pulse.ts";

/** A connection whose pulse is felt. */
interface Felt {
  readonly link: Link;
  readonly pulse: Pulse;
  readonly asks: boolean;
  /** When the last question was asked. */
  asked: number;
  waiting: boolean;
  /** Silence counts from here on: this machine slept, or was busy, before. */
  since: number;
}

/** Milliseconds between two looks at all of them, at least. */
const glance = 250;
/** A look that comes so much too late says that this machine slept or was busy. */
const overslept = answerWithin / 4;
/** Milliseconds without use after which a connection is at rest, and how much longer its periods are then: more where the system watches it. */
const calm = 30_000;
const restful = 5 / 3;
const watchful = 10;
/** Periods after which the way is measured again though the other side is heard. */
const measured = 4;

/** Signs of life on every connection: who dialled asks, who was dialled answers, and asks itself when it has missed three. */
export class Beats {
  readonly #clock: Clock;
  readonly #every: number;
  readonly #links: Links;
  readonly #ended: AbortSignal;
  readonly #felt = new Set<Felt>();
  #look: { readonly at: number; readonly timer: { stop(): void } } | undefined;

  constructor(clock: Clock, every: number, links: Links, ended: AbortSignal) {
    this.#clock = clock;
    this.#every = every;
    this.#links = links;
    this.#ended = ended;
    ended.addEventListener("abort", () => this.#look?.timer.stop(), { once: true });
  }

  #of(link: Link) {
    return {
      clock: this.#clock,
      every: this.#every,
      rtt: (ms: number) => {
        link.rtt = ms;
      },
      dead: (cause: Error) => link.connection.abort(cause),
    };
  }

  opened(link: Link): void {
    const asks = link.connection.direction === "outbound";
    const pulse = pulseOf(link.connection, this.#clock);
    if (pulse) this.#feel(link, pulse, asks);
    else if (asks) void this.#beat(link);
    else void expect(this.#of(link), () => link.alive, link.ended.signal);
  }

  #feel(link: Link, pulse: Pulse, asks: boolean): void {
    const now = this.#clock.monotonic();
    const felt: Felt = { link, pulse, asks, asked: now, waiting: false, since: now };
    this.#felt.add(felt);
    link.used = () => this.#used(felt);
    link.ended.signal.addEventListener("abort", () => this.#felt.delete(felt), { once: true });
    if (asks) void this.#ask(felt, now);
    this.#lookAt(this.#due(felt));
  }

  #used(felt: Felt): void {
    const now = this.#clock.monotonic();
    const rested = now - felt.pulse.used > calm;
    felt.pulse.used = now;
    // What is sent after a rest must not wait for the next look to learn that nobody is there.
    if (!rested || felt.waiting) return;
    void this.#ask(felt, now);
    this.#lookAt(this.#due(felt));
  }

  async #ask(felt: Felt, now: number): Promise<void> {
    felt.asked = now;
    felt.waiting = true;
    try {
      await felt.pulse.ask();
      felt.link.rtt = this.#clock.monotonic() - now;
    } catch {
      // It has ended, and says so by its event.
    } finally {
      felt.waiting = false;
    }
    if (this.#felt.has(felt)) this.#lookAt(this.#due(felt));
  }

  /** When something has to be done about a connection. */
  #due({ asks, asked, waiting, pulse: { heard, used, watched }, since }: Felt): number {
    if (waiting) return Math.max(heard, asked, since) + answerWithin;
    const rests = Math.max(heard, asked) - used > calm;
    if (!asks) {
      const missed = rests && watched ? 2 * watchful : 3;
      return Math.max(heard, since) + missed * this.#every;
    }
    const every = (rests ? (watched ? watchful : restful) : 1) * this.#every;
    return Math.min(Math.max(heard, asked) + every, asked + Math.max(measured * this.#every, every));
  }

  #lookAt(due: number): void {
    if (this.#ended.aborted || (this.#look && this.#look.at <= due)) return;
    this.#look?.timer.stop();
    const now = this.#clock.monotonic();
    const at = Math.max(due, now + glance);
    this.#look = { at, timer: this.#clock.after(at - now, () => this.#lookAround(at)) };
  }

  #lookAround(planned: number): void {
    this.#look = undefined;
    const now = this.#clock.monotonic();
    const slept = now - planned > overslept;
    let next = Number.POSITIVE_INFINITY;
    for (const felt of this.#felt) {
      if (slept) felt.since = now;
      if (this.#due(felt) <= now) {
        if (!felt.waiting) void this.#ask(felt, now);
        else felt.link.connection.abort(new Error("no sign of life"));
      }
      next = Math.min(next, this.#due(felt));
    }
    if (this.#felt.size > 0) this.#lookAt(next);
  }

  async #beat(link: Link): Promise<void> {
    try {
      const stream = await link.connection.newStream(beatProtocol, {
        runOnLimitedConnection: true,
        signal: AbortSignal.any([link.ended.signal, this.#ended]),
      });
      await beat(link.connection, this.#links.stream(stream, link, false), this.#of(link));
    } catch {
      // A foreign node does not speak this, and its connections end by themselves.
    }
  }

  async answer(stream: Stream, connection: Connection): Promise<void> {
    const link = this.#links.opened(connection);
    link.alive = true;
    await answer(this.#links.stream(stream, link, false), this.#of(link)).catch(() => undefined);
  }
}
