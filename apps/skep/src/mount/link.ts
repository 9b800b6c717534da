import type { Clock, Timer } from "@skep/clock";
import { faults } from "@skep/fault";
import type { Client } from "@skep/ninep";

const fault = faults("mount", {
  silent: ["cut", "Cannot go on: the hive does not answer"],
});

/** What a link is made of. */
export interface LinkOptions {
  readonly connect: (signal: AbortSignal) => Promise<Client>;
  readonly clock: Clock;
  readonly report: (line: string) => void;
}

/** While something is asked, the hive shows this often that it is there, milliseconds. */
const askedEvery = 3000;
/** How long it may take to, and to let us in. */
const patience = 10_000;
/** Who was interrupted waits so long for an answer that may be on its way. */
const grace = 1000;
/** Linux asks twice where it is refused a name: who was silent is not waited for again at once. */
const silence = 1000;

/**
 * The connection of a mount to its hive. It is made anew by whoever needs it next; what was under way on a lost one fails,
 * and what is asked of a hive that is silent fails after `askedEvery` and `patience`: a mount never hangs.
 */
export class Link {
  readonly #options: LinkOptions;
  readonly #over = new AbortController();
  #client: Promise<Client> | undefined;
  #asked = 0;
  #timer: Timer | undefined;
  #silentSince = Number.NEGATIVE_INFINITY;

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  /** Runs something with a client that is connected. Rejects with what `connect` rejects with. */
  async use<T>(signal: AbortSignal, act: (client: Client) => Promise<T>): Promise<T> {
    const client = await this.#until(signal, this.#connected());
    return await this.watch(signal, client, act);
  }

  /** Runs something on a connection that is in use, and looks meanwhile whether the hive is there. */
  async watch<T>(signal: AbortSignal, client: Client, act: (client: Client) => Promise<T>): Promise<T> {
    this.#asked += 1;
    this.#timer ??= this.#options.clock.after(askedEvery, () => this.#look());
    try {
      return await this.#until(signal, act(client));
    } finally {
      this.#asked -= 1;
    }
  }

  #connected(): Promise<Client> {
    if (this.#options.clock.monotonic() - this.#silentSince < silence) return Promise.reject(fault.silent());
    this.#client ??= this.#connect();
    return this.#client;
  }

  /** The same answer, or the signal's reason a little after it aborted: a hive that is silent answers no flush either. */
  #until<T>(signal: AbortSignal, answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      let late: Timer | undefined;
      const interrupted = (): void => {
        late = this.#options.clock.after(grace, () => reject(signal.reason));
      };
      const forget = (): void => {
        signal.removeEventListener("abort", interrupted);
        late?.stop();
      };
      signal.addEventListener("abort", interrupted, { once: true });
      if (signal.aborted) interrupted();
      answer.then(resolve, reject).finally(forget);
    });
  }

  #silent(): void {
    this.#silentSince = this.#options.clock.monotonic();
    this.#options.report("the hive does not answer");
  }

  async #connect(): Promise<Client> {
    const { connect, clock, report } = this.#options;
    const stop = new AbortController();
    const late = clock.after(patience, () => {
      this.#silent();
      stop.abort(fault.silent());
    });
    try {
      const client = await connect(AbortSignal.any([stop.signal, this.#over.signal]));
      void client.closed.then(() => {
        this.#client = undefined;
        report("the connection to the hive ended");
      });
      report("connected to the hive");
      return client;
    } catch (thrown) {
      this.#client = undefined;
      throw stop.signal.aborted ? stop.signal.reason : thrown;
    } finally {
      late.stop();
    }
  }

  #look(): void {
    this.#timer = undefined;
    if (this.#asked === 0 || !this.#client) return;
    this.#timer = this.#options.clock.after(askedEvery, () => this.#look());
    void this.#client.then((client) => this.#ask(client)).catch(() => undefined);
  }

  // Any answer will do, a refusal too.
  async #ask(client: Client): Promise<void> {
    const late = this.#options.clock.after(patience, () => {
      this.#silent();
      void client.close();
    });
    await client.request("Tgetattr", { fid: 0, requestMask: 0 }).catch(() => undefined);
    late.stop();
  }

  async close(): Promise<void> {
    this.#timer?.stop();
    this.#over.abort(fault.silent());
    const client = await this.#client?.catch(() => undefined);
    await client?.close();
  }
}
