import { type Clock, delay } from "@skep/clock";
import { type Fault, toFault } from "@skep/fault";
import type { Attached } from "../worker/link.ts";
import { recordKinds, type SpoolRecord } from "../spool/record.ts";
import type { Spool } from "../spool/spool.ts";
import { pushRecords } from "../telemetry/device.ts";
import { isLost } from "../worker/faults.ts";
import type { Aside } from "./aside.ts";

/** What an outbox is made of. */
export interface OutboxOptions {
  readonly spool: Spool;
  readonly aside: Aside;
  /** Device of the hive's telemetry that keeps the lines; none where they are only shown. */
  readonly telemetry: string | undefined;
  /** The connection at this moment. */
  readonly attached: () => Attached | undefined;
  readonly note: (what: string, thrown: unknown) => void;
  readonly log: (line: string) => void;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

const atOnce = 128;
/** Bytes of lines in one write: far less than a message holds. */
const together = 16 * 1024;
/** What the hive cannot take at the moment is brought again so much later, milliseconds. */
const again = 2000;

function* writes(lines: readonly string[]): Generator<string> {
  let text = "";
  for (const line of lines) {
    if (text.length + line.length > together && text !== "") {
      yield text;
      text = "";
    }
    text += line;
  }
  if (text !== "") yield text;
}

/**
 * Lines that are on this disk first, and go once the hive has them. What it refuses for now is brought again; what it
 * refuses for what it is goes to a place of its own, is told, and holds up nothing.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  #bringing: Promise<void> | undefined;
  /** Why nothing could be brought, as it was told last. */
  #said = "";
  /** Records that were set aside since the start. */
  #aside = 0;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** Keeps a line; durable when it resolves. Throws `spool.full`. */
  async put(line: object): Promise<void> {
    await this.#options.spool.append(recordKinds.json, Buffer.from(JSON.stringify(line)));
  }

  /** Brings what waits, unless that is under way. */
  bring(): void {
    this.#bringing ??= this.#bring()
      .catch((thrown) => this.#options.note("telemetry", thrown))
      .finally(() => {
        this.#bringing = undefined;
      });
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    await this.#bringing;
  }

  async #bring(): Promise<void> {
    const { spool, signal } = this.#options;
    let most = atOnce;
    for (let waiting = spool.read(most); waiting.length > 0 && !signal.aborted; waiting = spool.read(most)) {
      const attached = this.#options.attached();
      if (!attached) return;
      try {
        await this.#brought(attached, waiting);
        await spool.acknowledge(waiting.at(-1)?.seq ?? 0);
        this.#said = "";
        most = Math.min(atOnce, most * 2);
      } catch (thrown) {
        const told = toFault(thrown);
        if (isLost(told)) return this.#options.note("telemetry", thrown);
        most = await this.#refused(waiting, told);
      }
    }
  }

  async #brought({ client, results }: Attached, waiting: readonly SpoolRecord[]): Promise<void> {
    const { spool, telemetry, signal } = this.#options;
    const records = waiting.map(({ seq, payload }) => ({ seq, payload: payload.toString("utf8") }));
    if (telemetry !== undefined) {
      const numbered = records.map((one) => ({ ...one, mime: "application/json" }));
      await pushRecords(client, telemetry, spool.name, numbered, signal);
    }
    // The hive drops the numbers that it has of this source already.
    const lines = records.map(
      ({ seq, payload }) => `{"source":"${spool.name}","seq":${seq},${payload.slice(1)}\n`,
    );
    for (const text of writes(lines)) await results.append(text, { signal });
  }

  /** Gives how many to bring next: what is refused for what it is is looked for among fewer and fewer, and set aside. */
  async #refused(waiting: readonly SpoolRecord[], told: Fault): Promise<number> {
    const { clock, signal, note } = this.#options;
    const [record] = waiting;
    const isItself = told.kind === "oversize" || told.kind === "invalid";
    if (isItself && waiting.length > 1) return Math.floor(waiting.length / 2);
    try {
      if (!isItself || !record) throw told;
      await this.#setAside(record, told);
    } catch (thrown) {
      const { message } = toFault(thrown);
      if (this.#said !== message) note("telemetry", thrown);
      this.#said = message;
      await delay(clock, again, signal).catch(() => undefined);
    }
    return waiting.length;
  }

  async #setAside({ seq, payload }: SpoolRecord, { code, message }: Fault): Promise<void> {
    const { spool, aside, log, clock } = this.#options;
    const record = payload.toString("utf8");
    aside.put({ at_ms: clock.now(), source: spool.name, seq, code, reason: message, record });
    this.#aside += 1;
    log(
      `telemetry: record ${seq} is set aside in ${aside.place}, ${this.#aside} since the start: ${message}`,
    );
    // The hive is told too, but not of what told it that.
    if (!/^\{"at_ms":\d+,"set_aside":/.test(record))
      await this.put({ at_ms: clock.now(), set_aside: { seq, bytes: payload.length, code } }).catch(
        (thrown) => log(`spool: ${toFault(thrown).message}`),
      );
    await spool.acknowledge(seq);
  }
}
