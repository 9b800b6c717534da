import { chunkBytes, frame, stdinCredit } from "./frames.ts";
import type { Runner } from "./process.ts";

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes;
}

/** Feeds one job's standard input by credit, so that at most a few chunks are ever in memory here or there. */
export class StdinPump {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #runner: Runner;
  readonly #onError: (error: unknown) => void;
  #rest: Uint8Array = new Uint8Array(0);
  #credit = stdinCredit;
  #busy = false;
  #over = false;

  constructor(
    source: Uint8Array | AsyncIterable<Uint8Array>,
    runner: Runner,
    onError: (error: unknown) => void,
  ) {
    this.#source = (source instanceof Uint8Array ? once(source) : source)[Symbol.asyncIterator]();
    this.#runner = runner;
    this.#onError = onError;
  }

  /** One more chunk may go; also starts the pump. A runner that asks too often gains nothing. */
  credit(): void {
    this.#credit = Math.min(this.#credit + 1, stdinCredit);
    this.start();
  }

  start(): void {
    if (!this.#busy && !this.#over) void this.#pump();
  }

  async #pump(): Promise<void> {
    this.#busy = true;
    try {
      while (this.#credit > 0 && !this.#over) {
        if (this.#rest.length === 0) {
          const { value, done } = await this.#source.next();
          if (this.#over) return;
          if (done) {
            this.#over = true;
            return this.#runner.send(frame.end, new Uint8Array(0));
          }
          this.#rest = value;
          continue;
        }
        this.#credit--;
        this.#runner.send(frame.data, this.#rest.subarray(0, chunkBytes));
        this.#rest = this.#rest.subarray(chunkBytes);
      }
    } catch (error) {
      if (!this.#over) this.#onError(error);
      this.#over = true;
    } finally {
      this.#busy = false;
    }
  }

  /** Sends nothing more and lets the source go. */
  stop(): void {
    this.#over = true;
    this.#rest = new Uint8Array(0);
    void Promise.resolve(this.#source.return?.()).catch(() => {});
  }
}
