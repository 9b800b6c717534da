import { type Clock, delay } from "@skep/clock";
import { toFault } from "@skep/fault";
import type { Client } from "@skep/ninep";
import { AttachedAgent } from "../attached/attached.ts";
import type { Memory } from "../attached/memory.ts";
import type { Spool } from "../spool/spool.ts";
import type { Aside } from "./aside.ts";
import type { Device, Reading } from "./device.ts";
import { fault } from "./faults.ts";
import { News } from "./news.ts";
import { Outbox } from "./outbox.ts";
import { type Rules, writableOf } from "./rules.ts";
import { pointTarget } from "./target.ts";

/** What a bridge is made of. */
export interface BridgeOptions {
  /** Name of the bus in the hive. */
  readonly bus: string;
  readonly dial: () => Promise<Client>;
  readonly device: Device;
  /** Read again before each write, so that a change of the file counts at once. */
  readonly rules: () => Rules;
  readonly spool: Spool;
  readonly aside: Aside;
  /** Device of the hive's telemetry that keeps the readings; none where they are only shown. */
  readonly telemetry: string | undefined;
  readonly memory: Memory;
  readonly version: string;
  readonly clock: Clock;
  readonly log: (line: string) => void;
}

const mostReason = 200;
/** A link that the bridge itself took offline is the only one that it brings back. */
const mark = "device:";

/** The bridge of a bus: reads devices, keeps what it read until the hive has it, and writes what tickets ask for. */
export class Bridge {
  readonly #options: BridgeOptions;
  readonly #attached: AttachedAgent;
  readonly #news: News;
  #device: "unknown" | "ok" | "lost" = "unknown";
  /** Why the device is lost. */
  #reason = "";
  /** From one look to the next, milliseconds. */
  #every: number;
  /** Why the rules cannot be read. */
  #wrong = "";
  /** Why what was read last could not be kept. */
  #unkept = "";
  readonly #outbox: Outbox;
  #now = Promise.withResolvers<void>();

  constructor(options: BridgeOptions) {
    this.#options = options;
    const { bus, dial, clock, log, memory, device, rules, version, spool, aside, telemetry } = options;
    const { point, device: line } = rules();
    this.#every = line.every;
    this.#news = new News(point, line.refresh);
    const steps = new Map(point.map(({ name, scale }) => [name, Math.abs(scale)]));
    const target = pointTarget(device, (name) => steps.get(name) ?? 0);
    this.#attached = new AttachedAgent({
      ...{ home: this.#home, results: "telemetry", dial, memory, clock, log },
      hello: () => ({ version, points: rules().point.map(({ name }) => name), ...writableOf(rules()) }),
      standing: ({ client }) => this.#standing(client),
      heard: (text) => this.#heard(text),
      target: () => target,
      check: (_action, name) => {
        const { writable, operable } = writableOf(rules());
        if (!writable.includes(name) && !operable.includes(name)) throw fault.refused(name);
      },
      superseded: () => fault.superseded(bus),
    });
    this.#outbox = new Outbox({
      ...{ spool, aside, telemetry, clock, log, signal: this.#attached.signal },
      attached: () => this.#attached.now,
      note: (what, thrown) => this.#attached.note(what, thrown),
    });
    this.#attached.signal.addEventListener("abort", () => this.#end(), { once: true });
  }

  get #home(): string {
    return `/bus/${this.#options.bus}`;
  }

  /** Works until `stop`. Throws `bridge.superseded` when another bridge of the bus was started. */
  async run(): Promise<void> {
    const polling = this.#poll();
    try {
      await this.#attached.run();
    } finally {
      await Promise.all([polling, this.#outbox.idle()]);
    }
  }

  /** Ends the bridge; what was not brought yet stays in its spool. */
  stop(): Promise<void> {
    return this.#attached.stop();
  }

  #end(): void {
    this.#now.resolve();
    this.#options.device.close();
  }

  #standing(client: Client): void {
    this.#tellLink(client)
      .catch((thrown) => this.#attached.note("link", thrown))
      .finally(() => this.#outbox.bring());
  }

  #heard(text: string): void {
    for (const line of text.split("\n")) {
      if (line.includes('"poll":true')) this.#now.resolve();
      const [, note] = /^\{"n":\d+,"note":(".*")\}$/.exec(line) ?? [];
      if (note !== undefined) this.#options.log(`the hive says ${note}`);
    }
  }

  async #poll(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#attached;
    while (!signal.aborted) {
      const began = clock.monotonic();
      this.#now = Promise.withResolvers<void>();
      await this.#look();
      const left = Math.max(0, this.#period() - (clock.monotonic() - began));
      const waiting = new AbortController();
      await Promise.race([
        delay(clock, left, AbortSignal.any([signal, waiting.signal])).catch(() => undefined),
        this.#now.promise,
      ]);
      waiting.abort();
    }
  }

  // Rules that cannot be read, as in the midst of an edit, let nothing be written and stop no reading.
  #period(): number {
    let wrong = "";
    try {
      this.#every = this.#options.rules().device.every;
    } catch (thrown) {
      wrong = toFault(thrown).message;
      if (wrong !== this.#wrong) this.#options.log(wrong);
    }
    this.#wrong = wrong;
    return this.#every;
  }

  async #look(): Promise<void> {
    const { device, clock, log } = this.#options;
    let readings: readonly Reading[];
    try {
      readings = await device.poll(this.#attached.signal);
    } catch (thrown) {
      if (this.#attached.signal.aborted) return;
      await this.#seen("lost", toFault(thrown).message);
      return;
    }
    await this.#seen("ok", "");
    const now = clock.now();
    try {
      for (const { point, value, changed } of this.#news.of(readings, clock.monotonic())) {
        const line = { at_ms: now, point, value, ...(changed === undefined ? {} : { changed_ms: changed }) };
        await this.#outbox.put(line);
      }
      this.#unkept = "";
    } catch (thrown) {
      // What is kept already is not given up for what is new; that is told when there is room again.
      this.#news.forget();
      const { message } = toFault(thrown);
      if (message !== this.#unkept) log(`spool: ${message}`);
      this.#unkept = message;
    }
    this.#outbox.bring();
  }

  async #seen(state: "ok" | "lost", reason: string): Promise<void> {
    if (this.#device === state) return;
    this.#device = state;
    this.#options.log(state === "ok" ? "the device answers" : `the device does not answer: ${reason}`);
    if (state === "lost") this.#news.forget();
    this.#reason = reason;
    const client = this.#attached.now?.client;
    if (client) await this.#tellLink(client).catch((thrown) => this.#attached.note("link", thrown));
  }

  // The operator's word stands: only what this bridge took offline, or nobody said anything about, is brought back.
  async #tellLink(client: Client): Promise<void> {
    if (this.#device === "unknown") return;
    const path = `${this.#home}/link`;
    const before = String(await client.readAll(path));
    const isOnline = before.startsWith("state=online");
    if (this.#device === "lost") {
      if (isOnline) await client.append(path, `offline ${mark} ${this.#reason.slice(0, mostReason)}\n`);
    } else if (!isOnline && (before.includes(`reason="${mark} `) || before.includes("since_ms=0")))
      await client.append(path, "online\n");
  }
}
