import type { MultiaddrConnection } from "@libp2p/interface";
import type { Clock } from "@skep/clock";

/** Handshakes that go on at a time. */
const atATime = 64;
/** Milliseconds after which one no longer counts: who says nothing takes nobody's turn. */
const counts = 1000;

/**
 * Gives handshakes their turn in order of arrival. All at once they would each take longer than the other side waits, and
 * none would come to its end; so the first ones do, while the others wait without costing anything.
 */
export class Admission {
  readonly #clock: Clock;
  readonly #running = new Map<MultiaddrConnection, { stop(): void }>();
  readonly #waiting = new Map<MultiaddrConnection, () => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves, with false for nothing to object, when it is the connection's turn. */
  async enter(connection: MultiaddrConnection): Promise<false> {
    if (connection.status !== "open") return false;
    connection.addEventListener("close", () => this.leave(connection), { once: true });
    if (this.#running.size < atATime) this.#admit(connection);
    else await new Promise<void>((resolve) => this.#waiting.set(connection, resolve));
    return false;
  }

  #admit(connection: MultiaddrConnection): void {
    this.#waiting.get(connection)?.();
    this.#waiting.delete(connection);
    this.#running.set(
      connection,
      this.#clock.after(counts, () => this.leave(connection)),
    );
  }

  /** A handshake has ended, this way or that. */
  leave(connection: MultiaddrConnection): false {
    this.#waiting.get(connection)?.();
    this.#waiting.delete(connection);
    this.#running.get(connection)?.stop();
    this.#running.delete(connection);
    const [next] = this.#waiting.keys();
    if (next && this.#running.size < atATime) this.#admit(next);
    return false;
  }
}
