/** A checkpoint goes out no sooner after the one before it, milliseconds; a large one later, so that writing it takes no time to speak of. */
const leastMs = 100;
const bytesPerMs = 16 * 1024;

/** What a module keeps, on its way out: the newest, and not too often. */
export class Kept {
  readonly #now: () => number;
  readonly #send: (bytes: Uint8Array) => void;
  #waiting: Uint8Array | undefined;
  #next = 0;

  constructor(now: () => number, send: (bytes: Uint8Array) => void) {
    this.#now = now;
    this.#send = send;
  }

  take(bytes: Uint8Array): void {
    this.#waiting = bytes;
    this.look();
  }

  /** Sends what waits, if its time has come. */
  look(): void {
    if (this.#waiting && this.#now() >= this.#next) this.flush();
  }

  /** Sends what waits at once. */
  flush(): void {
    const bytes = this.#waiting;
    if (!bytes) return;
    this.#waiting = undefined;
    this.#next = this.#now() + Math.max(leastMs, bytes.length / bytesPerMs);
    this.#send(bytes);
  }
}
