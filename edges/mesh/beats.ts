import type { Connection, Stream } from "@libp2p/interface";
import type { Clock } from "@skep/clock";
import { answer, beat, beatProtocol, expect } from "./beat.ts";
import type { Link, Links } from "./links.ts";

/** Signs of life on every connection: who dialled asks, who was dialled answers. */
export class Beats {
  readonly #clock: Clock;
  readonly #every: number;
  readonly #links: Links;
  readonly #ended: AbortSignal;

  constructor(clock: Clock, every: number, links: Links, ended: AbortSignal) {
    this.#clock = clock;
    this.#every = every;
    this.#links = links;
    this.#ended = ended;
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
    if (link.connection.direction === "outbound") void this.#beat(link);
    else void expect(this.#of(link), () => link.alive, link.ended.signal);
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
