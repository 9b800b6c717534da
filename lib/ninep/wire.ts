/** What a wire tells its one listener. */
export interface WireEvents {
  /** Bytes that came; they belong to the listener from then on. */
  data(bytes: Uint8Array): void;
  /** What was written has gone; writing is welcome again. */
  drain(): void;
  /** The wire has ended, by either side or by a failure; told once. */
  closed(cause?: unknown): void;
}

/** A two-way byte stream. Nothing arrives before `listen`, and nothing during a call of its own methods. */
export interface Wire {
  listen(events: WireEvents): void;
  /** Sends bytes, which nobody changes from then on; false means: better wait for `drain`. */
  write(bytes: Uint8Array): boolean;
  /** Stops `data` as soon as the stream can. */
  pause(): void;
  resume(): void;
  /** Ends both directions, sending first what was written as far as the other side takes it. */
  close(): void;
}

/** What of a node:net socket (or a duplex stream like it) is used. */
export interface SocketLike {
  on(event: "data", act: (bytes: Uint8Array) => void): unknown;
  on(event: "drain" | "end" | "close", act: () => void): unknown;
  on(event: "error", act: (cause: unknown) => void): unknown;
  write(bytes: Uint8Array): boolean;
  pause(): unknown;
  resume(): unknown;
  destroy(): unknown;
  destroySoon?(): unknown;
  setNoDelay?(on: boolean): unknown;
  readonly writableNeedDrain?: boolean;
}

/** A wire over a connected socket; sets TCP_NODELAY where the socket has it. */
export function wireFromSocket(socket: SocketLike): Wire {
  let cause: unknown;
  let [ended, told] = [false, false];
  socket.setNoDelay?.(true);
  socket.pause();
  return {
    listen(events) {
      socket.on("error", (thrown) => {
        cause = thrown;
      });
      const over = (): void => {
        if (told) return;
        told = true;
        events.closed(cause);
      };
      // Where a socket stays half open it is put away by whoever listens, when there is time for it.
      socket.on("end", over);
      socket.on("close", over);
      socket.on("drain", () => events.drain());
      socket.on("data", (bytes) => events.data(bytes));
      socket.resume();
    },
    write: (bytes) => ended || socket.write(bytes),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    close() {
      ended = true;
      if (socket.destroySoon && !socket.writableNeedDrain) socket.destroySoon();
      else socket.destroy();
    },
  };
}

class MemoryWire implements Wire {
  peer: MemoryWire | undefined;
  readonly #limit: number;
  #events: WireEvents | undefined;
  #inbox: Uint8Array[] = [];
  #waiting = 0;
  #paused = false;
  #owesDrain = false;
  #scheduled = false;
  #ending = false;
  #ended = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  listen(events: WireEvents): void {
    this.#events = events;
    this.#schedule();
  }

  write(bytes: Uint8Array): boolean {
    const peer = this.peer;
    if (!peer || this.#ending || peer.#ending) return true;
    peer.#inbox.push(bytes);
    peer.#waiting += bytes.length;
    peer.#schedule();
    if (peer.#waiting <= this.#limit) return true;
    this.#owesDrain = true;
    return false;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#schedule();
  }

  close(): void {
    this.#ending = true;
    this.#inbox = [];
    this.#schedule();
    const peer = this.peer;
    if (!peer) return;
    peer.#ending = true;
    peer.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || !this.#events) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#deliver();
    });
  }

  #deliver(): void {
    const events = this.#events;
    if (!events || this.#ended) return;
    while (!this.#paused) {
      const bytes = this.#inbox.shift();
      if (!bytes) break;
      this.#waiting -= bytes.length;
      events.data(bytes);
    }
    if (this.#inbox.length === 0 && this.peer) this.peer.#drained();
    if (!this.#ending || this.#inbox.length > 0) return;
    this.#ended = true;
    events.closed();
  }

  #drained(): void {
    if (!this.#owesDrain) return;
    this.#owesDrain = false;
    this.#events?.drain();
  }
}

/** Two wires in memory, each the other's far end; `limit` is the bytes on the way at which `write` says false. */
export function memoryWires(limit = 65_536): [Wire, Wire] {
  const left = new MemoryWire(limit);
  const right = new MemoryWire(limit);
  left.peer = right;
  right.peer = left;
  return [left, right];
}
