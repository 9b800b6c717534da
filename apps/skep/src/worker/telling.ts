import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { freemem, loadavg } from "node:os";
import type { Clock, Timer } from "@skep/clock";
import { type Fault, toFault } from "@skep/fault";
import type { Files } from "@skep/kernel";
import type { Client } from "@skep/ninep";
import { lockHome } from "@skep/storage";
import { recordKinds } from "../spool/record.ts";
import { Spool } from "../spool/spool.ts";
import { forwardSpool } from "../telemetry/spooled.ts";

/** Bytes of the spool: weeks of records, once a minute. */
const spoolBytes = 8 * 1024 * 1024;

/** What a worker tells of itself besides the machine. */
export interface Figures {
  readonly running: number;
  readonly waiting: number;
  readonly ended: number;
  readonly owner: string;
}

/** What telling needs. */
export interface TellingOptions {
  /** Folder of the spool; made when first needed. */
  readonly folder: string;
  /** What lies in that folder. */
  readonly files: (folder: string) => Files;
  /** The device as which this worker tells: its own name. */
  readonly device: string;
  readonly everyMs: number;
  readonly figures: () => Figures;
  /** Does something on a connection, again on the next one when that is lost. */
  readonly use: <T>(act: (client: Client) => Promise<T>, signal: AbortSignal) => Promise<T>;
  readonly clock: Clock;
  readonly log: (line: string) => void;
}

const tenths = (value: number): number => Math.round(value * 10) / 10;

/**
 * What a worker tells of itself: a record each period, first into a spool on its own disk, from there to the device of its
 * name. Whatever is interrupted, the hive has each record once, and in order.
 */
export class Telling {
  readonly #options: TellingOptions;
  readonly #stop = new AbortController();
  #spool: Promise<Spool> | undefined;
  #lock: Disposable | undefined;
  #timer: Timer | undefined;
  #forwarding: Promise<void> | undefined;
  /** Ends what is being forwarded out of a spool that is let go of. */
  #carrying = new AbortController();
  #appending: Promise<unknown> = Promise.resolve();
  /** The last trouble that was logged, so that it is logged once. */
  #said = "";
  /** The ticket opens no such device: that is not asked again. */
  #denied = false;

  constructor(options: TellingOptions) {
    this.#options = options;
  }

  /** Begins to tell; the first record comes after one period. */
  start(): void {
    const { clock, everyMs } = this.#options;
    this.#timer = clock.after(everyMs, () => {
      this.#appending = this.#tell();
      this.start();
    });
  }

  #open(): Promise<Spool> {
    const { folder, files, clock } = this.#options;
    this.#spool ??= (async () => {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      this.#lock ??= lockHome(folder);
      return Spool.open(files(folder), {
        most: spoolBytes,
        name: () => `worker:${randomBytes(8).toString("hex")}`,
        now: () => clock.now(),
      });
    })().catch((thrown) => {
      this.#spool = undefined;
      throw thrown;
    });
    return this.#spool;
  }

  async #tell(): Promise<void> {
    const { clock, figures } = this.#options;
    const { rss } = process.memoryUsage();
    const told = {
      schema: "worker-telemetry/v1",
      time_ms: Math.round(clock.now()),
      load1: tenths(loadavg()[0] ?? 0),
      free_bytes: freemem(),
      rss_bytes: rss,
      ...figures(),
    };
    try {
      this.#forward(await this.#keep(Buffer.from(JSON.stringify(told))));
    } catch (thrown) {
      this.#trouble(toFault(thrown));
    }
  }

  /** Appends a record to the spool, or to what is found on the disk anew where that failed before. */
  async #keep(record: Buffer): Promise<Spool> {
    const spool = await this.#open();
    try {
      await spool.append(recordKinds.json, record);
      return spool;
    } catch (thrown) {
      if (toFault(thrown).code !== "spool.broken") throw thrown;
    }
    await this.#letGo();
    const anew = await this.#open();
    await anew.append(recordKinds.json, record);
    return anew;
  }

  /** Closes a spool whose disk failed, once nothing is forwarded out of it any more. */
  async #letGo(): Promise<void> {
    const broken = await this.#spool?.catch(() => undefined);
    this.#carrying.abort();
    await this.#forwarding;
    this.#carrying = new AbortController();
    this.#spool = undefined;
    await broken?.[Symbol.asyncDispose]().catch(() => undefined);
  }

  // One at a time, and not awaited: what is told meanwhile waits in the spool.
  #forward(spool: Spool): void {
    const { use, device } = this.#options;
    const signal = AbortSignal.any([this.#stop.signal, this.#carrying.signal]);
    if (this.#forwarding || this.#denied || signal.aborted) return;
    this.#forwarding = use((client) => forwardSpool(client, device, spool, signal), signal)
      .then(
        () => {
          this.#said = "";
        },
        (thrown) => {
          if (!signal.aborted) this.#trouble(toFault(thrown));
        },
      )
      .finally(() => {
        this.#forwarding = undefined;
      });
  }

  #trouble(told: Fault): void {
    if (this.#stop.signal.aborted) return;
    this.#denied ||= told.kind === "denied" || told.kind === "absent";
    if (this.#said === told.code) return;
    this.#said = told.code;
    this.#options.log(`telemetry: ${told.message}`);
  }

  /** Ends it; what waits is forwarded by the next start. */
  async stop(): Promise<void> {
    this.#timer?.stop();
    this.#stop.abort();
    await this.#appending.catch(() => undefined);
    await this.#forwarding;
    const spool = await this.#spool?.catch(() => undefined);
    await spool?.[Symbol.asyncDispose]();
    this.#lock?.[Symbol.dispose]();
  }
}
