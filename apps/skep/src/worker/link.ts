import { randomInt } from "node:crypto";
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
  /** Where this worker tells that it lives; a hive that has no such file is told by renewals. */
  readonly beat?: RemoteFile;
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
/** What requests on a connection that was replaced get to end by themselves, milliseconds. */
const retireWithin = 10_000;

const supersedes = new WeakMap<Client, AbortSignal>();

/** Tells when a client had better be replaced by a new one, and why: as the reason, such as that a better path stands. */
export function supersededBy(client: Client, signal: AbortSignal): Client {
  supersedes.set(client, signal);
  return client;
}

function aborted(...signals: readonly AbortSignal[]): Promise<void> {
  const either = AbortSignal.any([...signals]);
  if (either.aborted) return Promise.resolve();
  return new Promise((resolve) => either.addEventListener("abort", () => resolve(), { once: true }));
}

/** The one connection of a worker, made again with growing waits when it is lost, and at once when it is superseded. */
export class Link {
  readonly #options: LinkOptions;
  readonly #stop = new AbortController();
  readonly #requests = new Map<Client, Set<Promise<unknown>>>();
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
    let lived = false;
    try {
      for (let at: Attached | undefined = await this.#attach(); at; at = await this.#live(at)) lived = true;
    } catch (thrown) {
      if (!this.#stop.signal.aborted) this.#options.log(`connection: ${toFault(thrown).message}`);
    } finally {
      this.#drop();
    }
    return lived;
  }

  async #attach(): Promise<Attached> {
    const client = await this.#options.dial();
    try {
      const attached = await this.#options.greet(client);
      if (this.#stop.signal.aborted) throw fault.stopped();
      this.#now = attached;
      this.#waiting.resolve(attached);
      return attached;
    } catch (thrown) {
      await client.close();
      throw thrown;
    }
  }

  /** Until a connection ends, or gives way to the next one, which is then given. */
  async #live(attached: Attached): Promise<Attached | undefined> {
    const over = new AbortController();
    const serving = this.#options.serve(attached).finally(() => over.abort());
    serving.catch(() => undefined);
    const next = await this.#next(supersedes.get(attached.client), over.signal);
    if (next) {
      void this.#retire(attached.client);
      return next;
    }
    await serving.finally(() => attached.client.close());
    return undefined;
  }

  /** What takes the place of a connection that is superseded; nothing when that has ended before. */
  async #next(superseded: AbortSignal | undefined, over: AbortSignal): Promise<Attached | undefined> {
    const { clock, log } = this.#options;
    await aborted(over, ...(superseded ? [superseded] : []));
    for (let wait = firstWait; !over.aborted; wait = Math.min(wait * 2, mostWait))
      try {
        const next = await this.#attach();
        log(`the connection was replaced: ${(superseded?.reason as Error | undefined)?.message}`);
        return next;
      } catch {
        // The one that stands serves on.
        await delayed(clock, wait, over);
      }
    return undefined;
  }

  // What runs on it may end there: it is slower, not broken.
  async #retire(client: Client): Promise<void> {
    const { clock } = this.#options;
    const late = delay(clock, retireWithin, this.#stop.signal).catch(() => undefined);
    await Promise.race([Promise.allSettled([...(this.#requests.get(client) ?? [])]), late]);
    await client.close();
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
        return await this.#counted(client, act(client));
      } catch (thrown) {
        const told: Fault = toFault(thrown);
        if (signal?.aborted || this.#stop.signal.aborted || !isLost(told)) throw thrown;
        client.rpc.close();
        if (this.#now?.client === client) this.#drop();
      }
    }
  }

  async #counted<T>(client: Client, work: Promise<T>): Promise<T> {
    const running = this.#requests.get(client) ?? new Set();
    this.#requests.set(client, running.add(work));
    try {
      return await work;
    } finally {
      running.delete(work);
      if (running.size === 0) this.#requests.delete(client);
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
  // Not all at the same moment, who lost the same hive.
  await delay(clock, randomInt(ms / 2, ms), signal).catch(() => undefined);
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
