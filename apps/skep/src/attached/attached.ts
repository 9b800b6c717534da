import { randomBytes } from "node:crypto";
import type { Clock } from "@skep/clock";
import { type Fault, toFault } from "@skep/fault";
import type { Client } from "@skep/ninep";
import { appendLine } from "../client/control.ts";
import { isLost } from "../worker/faults.ts";
import { type Attached, Link } from "../worker/link.ts";
import type { Memory } from "./memory.ts";
import { readPending } from "./pending.ts";
import type { Target } from "./target.ts";
import { type Pending, Tickets } from "./tickets.ts";

/** What an attached agent does for its hive. */
export interface Work {
  /** Takes up what waits there; calls `again` when more of it can be. */
  drive(again: () => void): Promise<void>;
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
}

/** Of one that acts on tickets. */
interface Acting {
  /** Throws where there is none of this kind. */
  readonly target: (kind: string) => Target;
  /** Asked before each act, so that a change of the machine's rules counts at once. Throws why it may not be done. */
  readonly check: (action: string, target: string) => void;
  readonly memory: Memory;
}

/** Of every one. */
interface Attaching {
  /** Its directory in the hive, with `ctl`, `inbox` and `pending`. */
  readonly home: string;
  readonly dial: () => Promise<Client>;
  /** What its hello says beside its incarnation. */
  readonly hello: () => object;
  /** File of its directory that it tells things in. */
  readonly results: string;
  /** On each connection, before it is used. */
  readonly greeted?: (client: Client) => Promise<void>;
  /** Once a connection is used. */
  readonly standing?: (attached: Attached) => void;
  /** What its inbox says. */
  readonly heard?: (text: string) => void;
  /** Why it ends where another of the same name was started. */
  readonly superseded: () => Fault;
  readonly clock: Clock;
  readonly log: (line: string) => void;
}

/** What an attached agent is made of. */
export type AttachedOptions = Attaching & (Acting | { readonly work: Work });

const mostPending = 64 * 1024 * 1024;

/**
 * Whoever is attached to a hive for as long as it lives, takes the tickets that wait in its directory there and tells what
 * came of them. One of a name at a time: the hive refuses the older one, which ends.
 */
export class AttachedAgent {
  /** Names this start of it. */
  readonly incarnation: string = randomBytes(8).toString("hex");
  readonly #options: AttachedOptions;
  readonly #link: Link;
  readonly #work: Work;
  readonly #stop = new AbortController();
  #superseded = false;

  constructor(options: AttachedOptions) {
    this.#options = options;
    const { dial, clock, log } = options;
    const { signal } = this.#stop;
    this.#link = new Link({
      ...{ dial, clock, log },
      greet: (client) => this.#greet(client),
      serve: (attached) => this.#serve(attached),
    });
    if ("work" in options) {
      this.#work = options.work;
      return;
    }
    const { target, check, memory } = options;
    this.#work = new Tickets({
      pending: () => this.use((client) => this.#pending(client), signal),
      say: (line) => this.say(line),
      ...{ target, check, memory, clock, log, signal },
    });
  }

  /** Aborts when it ends. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** The connection at this moment. */
  get now(): Attached | undefined {
    return this.#link.now;
  }

  /** Does something on a connection to the hive, again on the next one when it is lost. */
  use<T>(act: (client: Client) => Promise<T>, signal: AbortSignal): Promise<T> {
    return this.#link.use(act, signal);
  }

  /** Works until `stop`. Throws the fault of the options where another one was started. */
  async run(): Promise<void> {
    await this.#link.run();
    await this.#work.idle();
    if (this.#superseded) throw this.#options.superseded();
  }

  /** Ends it; what is under way at a target goes on there, and is looked at by the next start. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#link.close();
  }

  async #greet(client: Client): Promise<Attached> {
    const { home, hello, results, greeted } = this.#options;
    const inbox = await client.open(`${home}/inbox.follow`);
    const from = Number((await inbox.getattr()).size);
    const line = { op: "hello", incarnation: this.incarnation, ...hello() };
    await this.#told(() => appendLine(client, `${home}/ctl`, JSON.stringify(line)));
    await greeted?.(client);
    return { client, inbox, from, results: await client.open(`${home}/${results}`, "append") };
  }

  async #serve(attached: Attached): Promise<void> {
    const { standing, heard } = this.#options;
    standing?.(attached);
    void this.#drive();
    for await (const bytes of attached.inbox.follow({ offset: attached.from })) {
      heard?.(Buffer.from(bytes).toString());
      void this.#drive();
    }
  }

  async #drive(): Promise<void> {
    if (this.signal.aborted) return;
    try {
      await this.#work.drive(() => void this.#drive());
    } catch (thrown) {
      this.note("work", thrown);
    }
  }

  async #pending(client: Client): Promise<readonly Pending[]> {
    const text = String(await client.readAll(`${this.#options.home}/pending.json`, { limit: mostPending }));
    return readPending(text);
  }

  /** Says one line to the hive; resolves once that is durable there. Throws the fault of a refusal. */
  async say(line: object): Promise<void> {
    const text = JSON.stringify({ incarnation: this.incarnation, ...line });
    await this.#told(() =>
      this.use((client) => appendLine(client, `${this.#options.home}/ctl`, text), this.signal),
    );
  }

  // Whoever is told that another took its place ends, also where it says hello again.
  async #told(act: () => Promise<unknown>): Promise<void> {
    try {
      await act();
    } catch (thrown) {
      // Hosts and buses refuse alike, each under its own name.
      if (toFault(thrown).code.endsWith(".superseded") && !this.#superseded) {
        this.#superseded = true;
        void this.stop();
      }
      throw thrown;
    }
  }

  /** Logs what went wrong, unless that is the connection, which is made again, or the end. */
  note(what: string, thrown: unknown): void {
    const told = toFault(thrown);
    if (!this.signal.aborted && !isLost(told)) this.#options.log(`${what}: ${told.message}`);
  }
}

/** Runs what can be stopped until a signal aborts. */
export async function runUntil(
  signal: AbortSignal,
  agent: { run(): Promise<void>; stop(): Promise<void> },
): Promise<void> {
  const stop = (): void => void agent.stop();
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  await agent.run();
}
