import type { Socket } from "node:net";

/**
 * Open connections, at most so many. When one more comes, the one that has idled longest goes: whoever holds connections
 * open without asking anything keeps nobody out.
 */
export class Connections {
  readonly #most: number;
  readonly #all = new Set<Socket>();
  /** Those without a request, longest idle first. */
  readonly #idle = new Set<Socket>();
  evicted = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get open(): number {
    return this.#all.size;
  }

  add(socket: Socket): void {
    if (this.#all.size >= this.#most && !this.#evict()) {
      socket.destroy();
      return;
    }
    this.#all.add(socket);
    this.#idle.add(socket);
    socket.once("close", () => {
      this.#all.delete(socket);
      this.#idle.delete(socket);
    });
  }

  // Where all are at work the new one has to go.
  #evict(): boolean {
    const oldest = this.#idle.values().next().value;
    if (!oldest) return false;
    this.evicted += 1;
    this.#idle.delete(oldest);
    this.#all.delete(oldest);
    oldest.destroy();
    return true;
  }

  /** Ends all of them, upgraded ones too, which no server would end. */
  destroy(): void {
    for (const socket of [...this.#all]) socket.destroy();
  }

  busy(socket: Socket): void {
    this.#idle.delete(socket);
  }

  rest(socket: Socket): void {
    if (!this.#all.has(socket) || socket.destroyed) return;
    this.#idle.delete(socket);
    this.#idle.add(socket);
  }
}
