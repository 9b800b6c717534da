import { faults } from "@skep/fault";
import type { Awaitable } from "../namespace/node.ts";
import type { StreamSource } from "../state/ring.ts";
import type { Handle } from "./handle.ts";

const fault = faults("stream", {
  canceled: ["canceled", "Cannot go on waiting: the read was cancelled"],
  readOnly: ["refused", "Cannot append to this stream"],
});

/** What a stream handle asks of its session. */
export interface StreamPort {
  /** Throws when the session has ended. */
  alive(): void;
  /** Calls when the session ends; the answer takes that back. */
  onClose(act: () => void): () => void;
  /** Resolves when what was read may leave; undefined when it may already. */
  settled(): Promise<void> | undefined;
  /** A reader was overtaken by so many bytes. */
  overtaken(bytes: number): void;
  charge(bytes: number): void;
  append(data: Uint8Array): Awaitable<number>;
  closed(): void;
}

/**
 * `x` ends where there is no more; `x.follow` gives 0 once after data and waits at the read after that, because the
 * Linux client withholds what it has until its buffer is full or a 0 comes.
 */
export class StreamHandle implements Handle {
  readonly #source: StreamSource;
  readonly #follow: boolean;
  readonly #anchor: number;
  readonly #port: StreamPort;
  #shift = 0;
  #gave = false;

  /** `anchor` is the absolute offset that file offset 0 stands for. */
  constructor(source: StreamSource, follow: boolean, anchor: number, port: StreamPort) {
    this.#source = source;
    this.#follow = follow;
    this.#anchor = anchor;
    this.#port = port;
  }

  read(offset: number, count: number, signal?: AbortSignal): Awaitable<Uint8Array> {
    this.#port.alive();
    let at = this.#anchor + this.#shift + offset;
    const lost = this.#source.base - at;
    if (lost > 0) {
      this.#shift += lost;
      at += lost;
      if (offset > 0 || this.#gave) this.#port.overtaken(lost);
    }
    if (at < this.#source.next) return this.#give(at, count);
    if (!this.#follow || this.#gave || this.#source.ended) {
      this.#gave = false;
      return new Uint8Array(0);
    }
    return this.#await(signal).then(() => this.read(offset, count, signal));
  }

  #give(at: number, count: number): Awaitable<Uint8Array> {
    this.#gave = true;
    const data = this.#source.read(at, count);
    if (data instanceof Promise) return data.then((bytes) => this.#release(bytes));
    return this.#release(data);
  }

  #release(data: Uint8Array): Awaitable<Uint8Array> {
    this.#port.charge(data.length);
    const wait = this.#port.settled();
    return wait ? wait.then(() => data) : data;
  }

  #await(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(fault.canceled());
        return;
      }
      const over = (then: () => void) => (): void => {
        waiting.stop();
        kept();
        signal?.removeEventListener("abort", stop);
        then();
      };
      const stop = over(() => reject(fault.canceled()));
      const waiting = this.#source.wait(over(resolve));
      // The read that goes on then finds that the session has ended.
      const kept = this.#port.onClose(over(resolve));
      signal?.addEventListener("abort", stop, { once: true });
    });
  }

  write(_offset: number, data: Uint8Array): Awaitable<number> {
    return this.#port.append(data);
  }

  close(): void {
    this.#port.closed();
  }
}
