import { randomBytes } from "node:crypto";
import type { Clock, Timer } from "@skep/clock";
import { toFault } from "@skep/fault";
import type { Client, RemoteFile } from "@skep/ninep";
import { type Facet, facets } from "@skep/provider-host";
import { appendLine } from "../client/control.ts";
import { type Attached, Link } from "../worker/link.ts";
import { isLost } from "../worker/faults.ts";
import { fault } from "./faults.ts";
import { Adapters, GpuLeases, type Use } from "./hive-acts.ts";
import { Inventory } from "./inventory.ts";
import type { Memory } from "./memory.ts";
import type { HostProvider } from "./provider.ts";
import { type Pending, type Target, Tickets } from "./tickets.ts";

/** What an agent is made of. */
export interface AgentOptions {
  /** Name of the host, as its ticket says it. */
  readonly host: string;
  readonly dial: () => Promise<Client>;
  readonly providers: readonly HostProvider[];
  readonly allows: (action: string, target: string) => boolean;
  /** The allow-list as the hive is told it. */
  readonly allowLines: () => readonly string[];
  /** Folder with packed models that tickets may bring to the hive. */
  readonly models?: () => string | undefined;
  readonly memory: Memory;
  readonly version: string;
  readonly clock: Clock;
  readonly log: (line: string) => void;
}

/** Looks that take longer are given up, milliseconds. */
const longestLook = 10_000;

/** The agent of a host: tells what is there, and does what tickets ask for and the host's allow-list lets happen. */
export class HostAgent {
  readonly incarnation: string = randomBytes(8).toString("hex");
  readonly #options: AgentOptions;
  readonly #link: Link;
  readonly #tickets: Tickets;
  readonly #inventories: ReadonlyMap<Facet, Inventory>;
  readonly #publish = new WeakMap<Client, RemoteFile>();
  readonly #stop = new AbortController();
  readonly #timers = new Set<Timer>();
  #superseded = false;

  constructor(options: AgentOptions) {
    this.#options = options;
    const { dial, clock, log, providers, allows, memory } = options;
    this.#inventories = new Map(
      providers.map(({ facet, everyMs }) => [facet, new Inventory(facet, everyMs)] as const),
    );
    this.#link = new Link({
      dial,
      clock,
      log,
      greet: (client) => this.#greet(client),
      serve: (attached) => this.#serve(attached),
    });
    this.#tickets = new Tickets({
      pending: () => this.#link.use((client) => this.#pending(client), this.#stop.signal),
      say: (line) => this.#say(line),
      provider: (kind) => this.#target(kind),
      allows,
      memory,
      clock,
      log,
      signal: this.#stop.signal,
    });
  }

  #target(kind: string): Target | undefined {
    const use: Use = (act, signal) => this.#link.use(act, signal);
    if (kind === "gpu") return new GpuLeases(use);
    if (kind === "peft") return new Adapters(use, this.#options.models ?? (() => undefined));
    return this.#options.providers.find((one) => one.facet === kind);
  }

  get #home(): string {
    return `/host/${this.#options.host}`;
  }

  /** Works until `stop`. Throws `host-agent.superseded` when another agent of the host was started. */
  async run(): Promise<void> {
    for (const provider of this.#options.providers) void this.#look(provider);
    await this.#link.run();
    await this.#tickets.idle();
    if (this.#superseded) throw fault.superseded(this.#options.host);
  }

  /** Ends the agent; what is under way at a target goes on there, and is looked at by the next start. */
  async stop(): Promise<void> {
    this.#stop.abort();
    for (const timer of this.#timers) timer.stop();
    for (const provider of this.#options.providers) provider[Symbol.dispose]();
    await this.#link.close();
  }

  async #greet(client: Client): Promise<Attached> {
    const { version, allowLines } = this.#options;
    const hello = { op: "hello", incarnation: this.incarnation, version, allows: allowLines() };
    await appendLine(client, `${this.#home}/ctl`, JSON.stringify(hello));
    const names = JSON.parse(String(await client.readAll(`${this.#home}/names.json`))) as Record<
      string,
      string[]
    >;
    for (const facet of facets) this.#inventories.get(facet)?.reset(names[facet] ?? []);
    const inbox = await client.open(`${this.#home}/inbox.follow`);
    const publish = await client.open(`${this.#home}/publish`, "append");
    this.#publish.set(client, publish);
    return { client, inbox, results: publish, from: Number((await inbox.getattr()).size) };
  }

  async #serve({ inbox, from }: Attached): Promise<void> {
    void this.#drive();
    for await (const _lines of inbox.follow({ offset: from })) void this.#drive();
  }

  async #drive(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    try {
      await this.#tickets.drive(() => void this.#drive());
    } catch (thrown) {
      if (!this.#stop.signal.aborted) this.#options.log(`tickets: ${toFault(thrown).message}`);
    }
  }

  async #pending(client: Client): Promise<readonly Pending[]> {
    const text = String(await client.readAll(`${this.#home}/pending.json`, { limit: 64 * 1024 * 1024 }));
    return JSON.parse(text) as readonly Pending[];
  }

  async #say(line: object): Promise<void> {
    const text = JSON.stringify({ incarnation: this.incarnation, ...line });
    try {
      await this.#link.use((client) => appendLine(client, `${this.#home}/ctl`, text), this.#stop.signal);
    } catch (thrown) {
      if (toFault(thrown).code === "host.superseded" && !this.#superseded) {
        this.#superseded = true;
        void this.stop();
      }
      throw thrown;
    }
  }

  // One look after the other, each a period after the one before has begun.
  async #look(provider: HostProvider): Promise<void> {
    const { clock } = this.#options;
    if (this.#stop.signal.aborted) return;
    const began = clock.monotonic();
    await this.#tellOf(provider);
    if (this.#stop.signal.aborted) return;
    const timer = clock.after(Math.max(0, provider.everyMs - (clock.monotonic() - began)), () => {
      this.#timers.delete(timer);
      void this.#look(provider);
    });
    this.#timers.add(timer);
  }

  async #tellOf(provider: HostProvider): Promise<void> {
    const inventory = this.#inventories.get(provider.facet);
    const client = this.#link.now?.client;
    const publish = client && this.#publish.get(client);
    if (!inventory || !publish) return;
    let lines: object[];
    try {
      const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(longestLook)]);
      const things = await provider.look(signal);
      for (const line of inventory.names(things)) await this.#say({ op: "names", ...line });
      inventory.named(things);
      lines = inventory.changes(things);
    } catch (thrown) {
      lines = inventory.unknown(thrown instanceof Error ? thrown.message : String(thrown));
    }
    try {
      await publish.append(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    } catch (thrown) {
      const told = toFault(thrown);
      // Told anew as soon as it is heard again.
      inventory.unknown("");
      if (!isLost(told) && !this.#stop.signal.aborted) this.#options.log(`publish: ${told.message}`);
    }
  }
}
