import { type Clock, delay } from "@skep/clock";
import { toFault } from "@skep/fault";
import type { Attached } from "../worker/link.ts";
import { recordKinds } from "../spool/record.ts";
import type { Spool } from "../spool/spool.ts";
import { pushRecords } from "../telemetry/device.ts";
import { isLost } from "../worker/faults.ts";

/** What an outbox is made of. */
export interface OutboxOptions {
  readonly spool: Spool;
  /** Device of the hive's telemetry that keeps the lines; none where they are only shown. */
  readonly telemetry: string | undefined;
  /** The connection at this moment. */
  readonly attached: () => Attached | undefined;
  readonly note: (what: string, thrown: unknown) => void;
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

/** Lines that are on this disk first, and go once the hive has them. */
export class Outbox {
  readonly #options: OutboxOptions;
  #bringing: Promise<void> | undefined;

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
    const { spool, telemetry, clock, signal, note } = this.#options;
    for (
      let waiting = spool.read(atOnce);
      waiting.length > 0 && !signal.aborted;
      waiting = spool.read(atOnce)
    ) {
      const attached = this.#options.attached();
      if (!attached) return;
      const records = waiting.map(({ seq, payload }) => ({ seq, payload: payload.toString("utf8") }));
      try {
        if (telemetry !== undefined) {
          const numbered = records.map((one) => ({ ...one, mime: "application/json" }));
          await pushRecords(attached.client, telemetry, spool.name, numbered, signal);
        }
        // The hive drops the numbers that it has of this source already.
        const lines = records.map(
          ({ seq, payload }) => `{"source":"${spool.name}","seq":${seq},${payload.slice(1)}\n`,
        );
        for (const text of writes(lines)) await attached.results.append(text, { signal });
      } catch (thrown) {
        note("telemetry", thrown);
        if (isLost(toFault(thrown))) return;
        await delay(clock, again, signal).catch(() => undefined);
        continue;
      }
      await spool.acknowledge(waiting.at(-1)?.seq ?? 0);
    }
  }
}
