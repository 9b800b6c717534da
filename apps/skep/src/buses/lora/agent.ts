import type { Clock } from "@skep/clock";
import { toFault } from "@skep/fault";
import type { Client } from "@skep/ninep";
import { AttachedAgent } from "../../attached/attached.ts";
import type { Spool } from "../../spool/spool.ts";
import type { Aside } from "../aside.ts";
import { Outbox } from "../outbox.ts";
import { Downlinks, type Granted, readSchedule } from "./downlinks.ts";
import { fault } from "./faults.ts";
import type { Place, Verdict } from "./heard.ts";
import type { FrameMemory } from "./memory.ts";
import { Port } from "./port.ts";
import type { Rules } from "./rules.ts";

/** What a gateway agent is made of. */
export interface GatewayOptions {
  /** Name of the radio in the hive. */
  readonly radio: string;
  readonly dial: () => Promise<Client>;
  readonly rules: () => Rules;
  readonly spool: Spool;
  readonly aside: Aside;
  /** Device of the hive's telemetry that keeps what was heard; none where it is only shown. */
  readonly telemetry: string | undefined;
  readonly memory: FrameMemory;
  readonly version: string;
  readonly clock: Clock;
  readonly log: (line: string) => void;
}

const mostSchedule = 16 * 1024 * 1024;
/** What came of datagrams that were not taken is told at most so often, milliseconds. */
const tellEvery = 60_000;

/** The agent of a radio: what its gateways heard becomes telemetry, and what the hive granted is sent by one of them. */
export class GatewayAgent {
  readonly #options: GatewayOptions;
  readonly #attached: AttachedAgent;
  readonly #downlinks: Downlinks;
  readonly #outbox: Outbox;
  readonly #port: Port;
  /** Datagrams that were not taken, since that was told last. */
  readonly #odd = new Map<Verdict, number>();
  #told = Number.NEGATIVE_INFINITY;

  constructor(options: GatewayOptions) {
    this.#options = options;
    const { radio, dial, rules, spool, aside, telemetry, memory, version, clock, log } = options;
    this.#port = new Port({
      ...{ rules, clock },
      keep: (lines) => this.#keep(lines),
      seen: (verdict, from) => this.#seen(verdict, from),
    });
    const stop = new AbortController();
    this.#downlinks = new Downlinks({
      ...{ rules, memory, clock, log, signal: stop.signal },
      schedule: () => this.#attached.use((client) => this.#schedule(client), stop.signal),
      say: (line) => this.#attached.say(line),
      incarnation: () => this.#attached.incarnation,
      ready: () => this.#port.isReady,
      transmit: (txpk) => this.#port.transmit(txpk),
    });
    this.#attached = new AttachedAgent({
      ...{ home: `/lora/${radio}`, results: "telemetry", dial, clock, log, work: this.#downlinks },
      hello: () => ({ version }),
      standing: () => this.#outbox.bring(),
      superseded: () => fault.superseded(radio),
    });
    const { signal } = this.#attached;
    signal.addEventListener("abort", () => stop.abort(), { once: true });
    this.#outbox = new Outbox({
      ...{ spool, aside, telemetry, clock, log, signal },
      attached: () => this.#attached.now,
      note: (what, thrown) => this.#attached.note(what, thrown),
    });
  }

  /** Works until `stop`; calls `opened` with the port once it listens. Throws `gateway.port`, `gateway.superseded`. */
  async run(opened: (port: number) => void = () => undefined): Promise<void> {
    opened(await this.#port.open());
    try {
      await this.#attached.run();
    } finally {
      await this.#outbox.idle();
      this.#port.close();
    }
  }

  /** Ends it; what was not brought yet stays in its spool. */
  stop(): Promise<void> {
    return this.#attached.stop();
  }

  async #schedule(client: Client): Promise<readonly Granted[]> {
    const path = `/lora/${this.#options.radio}/schedule.json`;
    return readSchedule(String(await client.readAll(path, { limit: mostSchedule })));
  }

  async #keep(lines: readonly object[]): Promise<void> {
    for (const line of lines) await this.#outbox.put(line);
    this.#outbox.bring();
  }

  #seen(verdict: Verdict, { address, port }: Place): void {
    if (verdict === "taken") return;
    const { clock, log } = this.#options;
    this.#odd.set(verdict, (this.#odd.get(verdict) ?? 0) + 1);
    const now = clock.monotonic();
    if (now - this.#told < tellEvery) return;
    this.#told = now;
    const counts = Object.fromEntries(this.#odd);
    this.#odd.clear();
    const list = Object.entries(counts).map(([word, count]) => `${count} ${word}`);
    log(`datagrams that were not taken: ${list.join(", ")}; the last from ${address}:${port}`);
    this.#keep([{ at_ms: clock.now(), datagrams: counts }]).catch((thrown) =>
      log(`spool: ${toFault(thrown).message}`),
    );
  }
}
