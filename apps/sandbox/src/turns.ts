/** A turn, given back when disposed of. */
export interface Turn extends AsyncDisposable {
  /** False where the wait was aborted. */
  readonly granted: boolean;
}

/** So many at once, the others in the order in which they came. */
export class Turns {
  #free: number;
  readonly #waiting = new Set<(granted: boolean) => void>();

  constructor(count: number) {
    this.#free = Math.max(1, count);
  }

  async take(signal?: AbortSignal): Promise<Turn> {
    const granted = !signal?.aborted && (await this.#wait(signal));
    return {
      granted,
      [Symbol.asyncDispose]: async () => {
        if (granted) this.#give();
      },
    };
  }

  #wait(signal: AbortSignal | undefined): Promise<boolean> {
    if (this.#free > 0) {
      this.#free--;
      return Promise.resolve(true);
    }
    return new Promise((resolve) => {
      const stop = () => settle(false);
      const settle = (granted: boolean) => {
        this.#waiting.delete(settle);
        signal?.removeEventListener("abort", stop);
        resolve(granted);
      };
      this.#waiting.add(settle);
      signal?.addEventListener("abort", stop, { once: true });
    });
  }

  #give(): void {
    const [next] = this.#waiting;
    if (next) next(true);
    else this.#free++;
  }

  /** Sends everyone away who still waits. */
  close(): void {
    for (const settle of [...this.#waiting]) settle(false);
  }
}
