import type { Stream } from "@libp2p/interface";
import type { Clock } from "@skep/clock";
import type { Far, MeshStream, PathKind, StreamSocket, Transport } from "./contract.ts";
import { fault } from "./faults.ts";
import { spareUpdates } from "./window.ts";

const KiB = 1024;
const high = 256 * KiB;
const low = 64 * KiB;
const quicBuffer = 32 * KiB * KiB;
/** Milliseconds that the other side has to end its half. */
const farewell = 5000;

type Taker = { data(bytes: Uint8Array): void; ended(cause: unknown): void; drained(): void };

/** A libp2p stream as a byte stream with back-pressure, whose two halves end together. */
export class ByteStream implements MeshStream {
  readonly peer: string;
  readonly path: PathKind;
  readonly transport: Transport;
  readonly address: string;
  readonly inspected: boolean;
  readonly closed: Promise<unknown>;
  readonly superseded: AbortSignal;
  readonly #stream: Stream;
  readonly #clock: Clock;
  readonly #used: () => void;
  #queue: Uint8Array[] = [];
  #queued = 0;
  #held = false;
  #stopped = false;
  #finished = false;
  #cause: unknown;
  #taker: Taker | undefined;
  #wake = () => {};

  /** `used` is called when something is sent. */
  constructor(stream: Stream, far: Far, superseded: AbortSignal, clock: Clock, used: () => void) {
    ({ peer: this.peer, path: this.path, transport: this.transport } = far);
    ({ address: this.address, inspected: this.inspected } = far);
    this.superseded = superseded;
    this.#stream = stream;
    this.#clock = clock;
    this.#used = used;
    // This transport cannot make the other side wait, so what comes while nobody reads must have room.
    if (far.transport === "quic") stream.maxReadBufferLength = quicBuffer;
    spareUpdates(stream);
    const gone = Promise.withResolvers<unknown>();
    this.closed = gone.promise;
    stream.addEventListener("message", ({ data }) => this.#arrived(data.subarray()));
    stream.addEventListener("drain", () => this.#taker?.drained());
    // Its own half is closed at once, or this transport leaks the stream and then hangs.
    stream.addEventListener("remoteCloseWrite", () => void this.close());
    stream.addEventListener("end", () => this.#finish(undefined));
    stream.addEventListener("close", ({ error }) => {
      this.#finish(error);
      gone.resolve(error);
    });
    // Whoever answers fast has ended it before anybody could listen.
    if (stream.status === "open" || stream.status === "closing") return;
    this.#finish(stream.status === "closed" ? undefined : fault.ended(far.peer));
    gone.resolve(this.#cause);
  }

  #arrived(bytes: Uint8Array): void {
    this.#queue.push(bytes);
    this.#queued += bytes.length;
    this.#flow();
    this.#deliver();
  }

  #flow(): void {
    const hold =
      this.#queued > high || (this.#held && this.#queued > low) || (this.#stopped && this.#queued > 0);
    if (hold === this.#held || this.#finished) return;
    this.#held = hold;
    try {
      if (hold) this.#stream.pause();
      else this.#stream.resume();
    } catch {
      // It has ended, and says so by its event.
    }
  }

  #finish(cause: unknown): void {
    if (this.#finished && (cause === undefined || this.#cause !== undefined)) return;
    this.#finished = true;
    this.#cause = cause;
    this.#deliver();
  }

  #take(): Uint8Array | undefined {
    const bytes = this.#queue.shift();
    if (bytes) this.#queued -= bytes.length;
    this.#flow();
    return bytes;
  }

  #deliver(): void {
    this.#wake();
    const taker = this.#taker;
    if (!taker) return;
    while (!this.#stopped) {
      const bytes = this.#take();
      if (!bytes) break;
      taker.data(bytes);
    }
    if (!this.#finished || (this.#queue.length > 0 && this.#cause === undefined)) return;
    this.#taker = undefined;
    taker.ended(this.#cause);
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    for (;;) {
      const bytes = this.#take();
      if (bytes) yield bytes;
      else if (this.#finished) {
        if (this.#cause !== undefined) throw fault.ended(this.peer, { cause: this.#cause });
        return;
      } else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  #send(bytes: Uint8Array): boolean {
    this.#used();
    try {
      return bytes.length === 0 || this.#stream.send(bytes);
    } catch (cause) {
      throw fault.ended(this.peer, { cause });
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#send(bytes)) return;
    await this.#stream.onDrain().catch((cause) => {
      throw fault.ended(this.peer, { cause });
    });
  }

  async close(): Promise<void> {
    const late = this.#clock.after(farewell, () => this.abort(fault.late(this.peer)));
    void this.closed.then(() => late.stop());
    await this.#stream.close().catch((cause) => this.abort(cause));
  }

  abort(cause?: unknown): void {
    const { peer } = this;
    this.#stream.abort(cause instanceof Error ? cause : fault.ended(peer, { cause }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  socket(): StreamSocket {
    const data: ((bytes: Uint8Array) => void)[] = [];
    const drain: (() => void)[] = [];
    const close: (() => void)[] = [];
    const error: ((cause: unknown) => void)[] = [];
    let ended = false;
    this.#taker = {
      data: (bytes) => {
        for (const act of data) act(bytes);
      },
      drained: () => {
        for (const act of drain) act();
      },
      ended: (cause) => {
        ended = true;
        if (cause !== undefined) for (const act of error) act(cause);
        for (const act of close) act();
      },
    };
    this.#stopped = true;
    const acts: Record<string, unknown[]> = { data, drain, close, error };
    const stream = this.#stream;
    return {
      on: (event: string, act: unknown) => acts[event]?.push(act),
      write: (bytes) => {
        try {
          return ended || this.#send(bytes);
        } catch {
          return true;
        }
      },
      pause: () => {
        this.#stopped = true;
      },
      resume: () => {
        this.#stopped = false;
        queueMicrotask(() => {
          this.#flow();
          this.#deliver();
        });
      },
      destroy: () => this.abort(),
      destroySoon: () => void this.close(),
      get writableNeedDrain() {
        return stream.writableNeedsDrain;
      },
    };
  }
}
