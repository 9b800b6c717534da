import type { Clock, Timer } from "@skep/clock";
import type { Client } from "@skep/ninep";
import { type Facet, facets } from "@skep/provider-host";
import { AttachedAgent } from "../attached/attached.ts";
import type { Memory } from "../attached/memory.ts";
import type { Target } from "../attached/target.ts";
import { fault } from "./faults.ts";
import { Adapters, GpuLeases, type Use } from "./hive-acts.ts";
import { Inventory } from "./inventory.ts";
import type { HostProvider } from "./provider.ts";
import { type UpdatePlace, Updates } from "./updates.ts";

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
  /** What updates are for, by name. */
  readonly updates?: () => ReadonlyMap<string, UpdatePlace>;
  readonly memory: Memory;
  readonly version: string;
  readonly clock: Clock;
  readonly log: (line: string) => void;
}

/** Looks that take longer are given up, milliseconds. */
const longestLook = 10_000;

/** The agent of a host: tells what is there, and does what tickets ask for and the host's allow-list lets happen. */
export class HostAgent {
  readonly #options: AgentOptions;
  readonly #attached: AttachedAgent;
  readonly #inventories: ReadonlyMap<Facet, Inventory>;
  readonly #timers = new Set<Timer>();

  constructor(options: AgentOptions) {
    this.#options = options;
    const { host, dial, providers, allows, allowLines, memory, version, clock, log } = options;
    this.#inventories = new Map(
      providers.map(({ facet, everyMs }) => [facet, new Inventory(facet, everyMs)] as const),
    );
    this.#attached = new AttachedAgent({
      ...{ home: this.#home, results: "publish", dial, memory, clock, log },
      hello: () => ({ version, allows: allowLines() }),
      greeted: (client) => this.#reset(client),
      target: (kind) => this.#target(kind),
      check: (action, target) => {
        if (!allows(action, target)) throw fault.refused(`${action} ${target}`);
      },
      superseded: () => fault.superseded(host),
    });
    this.#attached.signal.addEventListener("abort", () => this.#end(), { once: true });
  }

  #target(kind: string): Target {
    const use: Use = (act, signal) => this.#attached.use(act, signal);
    if (kind === "gpu") return new GpuLeases(use);
    if (kind === "peft") return new Adapters(use, this.#options.models ?? (() => undefined));
    if (kind === "update") return new Updates(use, this.#options.updates ?? (() => new Map()));
    const found = this.#options.providers.find((one) => one.facet === kind);
    if (!found) throw fault.provider(kind);
    return found;
  }

  get #home(): string {
    return `/host/${this.#options.host}`;
  }

  /** Works until `stop`. Throws `host-agent.superseded` when another agent of the host was started. */
  async run(): Promise<void> {
    for (const provider of this.#options.providers) void this.#look(provider);
    await this.#attached.run();
  }

  /** Ends the agent; what is under way at a target goes on there, and is looked at by the next start. */
  stop(): Promise<void> {
    return this.#attached.stop();
  }

  #end(): void {
    for (const timer of this.#timers) timer.stop();
    for (const provider of this.#options.providers) provider[Symbol.dispose]();
  }

  // What the hive knows of this host is told as changes from there on.
  async #reset(client: Client): Promise<void> {
    const text = String(await client.readAll(`${this.#home}/names.json`));
    const names = JSON.parse(text) as Record<string, string[]>;
    for (const facet of facets) this.#inventories.get(facet)?.reset(names[facet] ?? []);
  }

  // One look after the other, each a period after the one before has begun.
  async #look(provider: HostProvider): Promise<void> {
    const { clock } = this.#options;
    if (this.#attached.signal.aborted) return;
    const began = clock.monotonic();
    await this.#tellOf(provider);
    if (this.#attached.signal.aborted) return;
    const timer = clock.after(Math.max(0, provider.everyMs - (clock.monotonic() - began)), () => {
      this.#timers.delete(timer);
      void this.#look(provider);
    });
    this.#timers.add(timer);
  }

  async #tellOf(provider: HostProvider): Promise<void> {
    const inventory = this.#inventories.get(provider.facet);
    const publish = this.#attached.now?.results;
    if (!inventory || !publish) return;
    let lines: object[];
    try {
      const signal = AbortSignal.any([this.#attached.signal, AbortSignal.timeout(longestLook)]);
      const things = await provider.look(signal);
      for (const line of inventory.names(things)) await this.#attached.say({ op: "names", ...line });
      inventory.named(things);
      lines = inventory.changes(things);
    } catch (thrown) {
      lines = inventory.unknown(thrown instanceof Error ? thrown.message : String(thrown));
    }
    try {
      await publish.append(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    } catch (thrown) {
      // Told anew as soon as it is heard again.
      inventory.unknown("");
      this.#attached.note("publish", thrown);
    }
  }
}
