import type { Socket } from "node:net";
import type { Clock, Timer } from "@skep/clock";

/** Connections that are ended in one turn of the loop: thousands at once would keep commands waiting. */
const atOnce = 32;
const late = "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

/** Limits of connections. */
export interface ConnectionOptions {
  readonly clock: Clock;
  readonly defer: (act: () => void) => void;
  /** Connections at a time. */
  readonly most: number;
  /** Milliseconds until the head of a connection's first request has to be here. */
  readonly within: number;
}

/**
 * Open connections, at most so many. When one more comes, the one that has idled longest goes: whoever holds connections
 * open without asking anything keeps nobody out. Who asks nothing within a time is ended, a few at a time.
 */
export class Connections {
  readonly #options: ConnectionOptions;
  readonly #all = new Set<Socket>();
  /** Those without a request, longest idle first. */
  readonly #idle = new Set<Socket>();
  /** Those that have asked nothing yet, by when they came. */
  readonly #silent = new Map<Socket, number>();
  #sweep: Timer | undefined;
  evicted = 0;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  get open(): number {
    return this.#all.size;
  }

  add(socket: Socket): void {
    if (this.#all.size >= this.#options.most && !this.#evict()) {
      socket.destroy();
      return;
    }
    this.#all.add(socket);
    this.#idle.add(socket);
    this.#silent.set(socket, this.#options.clock.monotonic());
    this.#wait();
    socket.once("close", () => this.#forget(socket));
  }

  #forget(socket: Socket): void {
    this.#all.delete(socket);
    this.#idle.delete(socket);
    this.#silent.delete(socket);
  }

  // For the one that is silent longest.
  #wait(): void {
    if (this.#sweep) return;
    const oldest = this.#silent.values().next().value;
    if (oldest === undefined) return;
    const { clock, within } = this.#options;
    this.#sweep = clock.after(Math.max(1, oldest + within - clock.monotonic()), () => this.#end());
  }

  #end(): void {
    this.#sweep = undefined;
    const due = this.#options.clock.monotonic() - this.#options.within;
    let ended = 0;
    for (const [socket, since] of this.#silent) {
      if (since > due) break;
      if (ended >= atOnce) {
        this.#options.defer(() => this.#end());
        return;
      }
      this.#forget(socket);
      ended += 1;
      if (socket.bytesRead > 0) socket.end(late, () => socket.destroy());
      else socket.destroy();
    }
    this.#wait();
  }

  // Where all are at work the new one has to go.
  #evict(): boolean {
    const oldest = this.#idle.values().next().value;
    if (!oldest) return false;
    this.evicted += 1;
    this.#forget(oldest);
    oldest.destroy();
    return true;
  }

  /** Ends all of them, upgraded ones too, which no server would end. */
  destroy(): void {
    this.#sweep?.stop();
    this.#silent.clear();
    for (const socket of [...this.#all]) socket.destroy();
  }

  busy(socket: Socket): void {
    this.#idle.delete(socket);
    this.#silent.delete(socket);
  }

  rest(socket: Socket): void {
    if (!this.#all.has(socket) || socket.destroyed) return;
    this.#idle.delete(socket);
    this.#idle.add(socket);
  }
}
