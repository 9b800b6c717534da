import { type Clock, delay } from "@skep/clock";
import { type Fault, toFault } from "@skep/fault";
import type { Client, RemoteFile } from "@skep/ninep";
import { fault, isLost } from "./faults.ts";

/** A connection on which hello was said. */
export interface Attached {
  readonly client: Client;
  /** Opened once: every result is one write. */
  readonly results: RemoteFile;
  /** Opened before the hello, so that what an earlier connection was told is not taken for new. */
  readonly inbox: RemoteFile;
  /** Where the inbox ended before the hello, bytes. */
  readonly from: number;
}

/** What a link is made of. */
export interface LinkOptions {
  readonly dial: () => Promise<Client>;
  /** Says hello and opens what stays open. */
  readonly greet: (client: Client) => Promise<Attached>;
  /** Lives as long as the connection; its fault is the reason of the end. */
  readonly serve: (attached: Attached) => Promise<void>;
  readonly clock: Clock;
  readonly log: (line: string) => void;
}

const firstWait = 50;
const mostWait = 10_000;

/** The one connection of a worker, made again with growing waits when it is lost. */
export class Link {
  readonly #options: LinkOptions;
  readonly #stop = new AbortController();
  #now: Attached | undefined;
  #waiting = Promise.withResolvers<Attached>();

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#waiting.promise.catch(() => undefined);
  }

  /** The connection at this moment. */
  get now(): Attached | undefined {
    return this.#now;
  }

  /** Attaches again and again until `close`; resolves then. */
  async run(): Promise<void> {
    const { signal } = this.#stop;
    for (let wait = firstWait; !signal.aborted; wait = Math.min(wait * 2, mostWait)) {
      const lived = await this.#once();
      if (lived) wait = firstWait;
      if (!signal.aborted) await delayed(this.#options.clock, wait, signal);
    }
    this.#waiting.reject(fault.stopped());
  }

  async #once(): Promise<boolean> {
    const { dial, greet, serve, log } = this.#options;
    let lived = false;
    try {
      await using client = await dial();
      const attached = await greet(client);
      lived = true;
      this.#now = attached;
      this.#waiting.resolve(attached);
      await serve(attached);
    } catch (thrown) {
      if (!this.#stop.signal.aborted) log(`connection: ${toFault(thrown).message}`);
    } finally {
      this.#drop();
    }
    return lived;
  }

  #drop(): void {
    if (!this.#now) return;
    this.#now = undefined;
    this.#waiting = Promise.withResolvers();
    this.#waiting.promise.catch(() => undefined);
  }

  /** Does something on a connection, again on the next one when this one is lost meanwhile. */
  async use<T>(act: (client: Client) => Promise<T>, signal?: AbortSignal): Promise<T> {
    for (;;) {
      const { client } = this.#now ?? (await raced(this.#waiting.promise, signal));
      try {
        return await act(client);
      } catch (thrown) {
        const told: Fault = toFault(thrown);
        if (signal?.aborted || this.#stop.signal.aborted || !isLost(told)) throw thrown;
        client.rpc.close();
        if (this.#now?.client === client) this.#drop();
      }
    }
  }

  /** Ends the connection and makes no other. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#waiting.reject(fault.stopped());
    await this.#now?.client.close();
  }
}

async function delayed(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  // The timers of the clock keep no process alive, and this wait has to.
  const alive = setInterval(() => undefined, 60_000);
  await delay(clock, ms, signal).catch(() => undefined);
  clearInterval(alive);
}

async function raced<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return await work;
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
