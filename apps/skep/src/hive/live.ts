import type { HttpFigures } from "@skep/edge-http";
import type { Kernel } from "@skep/kernel";
import { Beats } from "@skep/provider-jobs";
import type { LogDeps } from "@skep/provider-log";
import type { MetricsDeps } from "@skep/provider-metrics";
import type { ProcDeps } from "@skep/provider-proc";
import type { QueenDeps } from "@skep/provider-queen";
import type { Running } from "../manifest/running.ts";
import { version } from "../version.ts";
import { collectFigures } from "./figures.ts";
import { LoopMeter } from "./loop-meter.ts";
import type { HomeStorage } from "./storage.ts";

/** Spawned workers that may live at a time. */
export const mostLive = 256;

/** Lines of the program itself, for `/kmesg`. */
export class StartLines {
  readonly #lines: string[] = [];
  #act: ((line: string) => void) | undefined;

  push(line: string): void {
    if (this.#act) this.#act(line);
    else if (this.#lines.length < 1000) this.#lines.push(line);
  }

  readonly deps: LogDeps = {
    startLines: (act) => {
      this.#act = act;
      for (const line of this.#lines.splice(0)) act(line);
    },
  };
}

/** Figures of the running program that its own files show. */
export class Live {
  /** What is on and where; filled in once the edges listen. */
  edges: Readonly<Record<string, string>> = {};
  /** 9P requests without an answer, as the edge counts them. */
  outstanding: () => number = () => 0;
  /** What the HTTP edge tells of itself, where it is on. */
  http: () => HttpFigures | undefined = () => undefined;
  /** Hears of durable records with a trace context, where they are exported. */
  traced: NonNullable<MetricsDeps["traced"]> = () => undefined;
  readonly #started = Date.now();
  readonly lines = new StartLines();
  /** When workers that have work were heard of. */
  readonly beats = new Beats();
  readonly #running: Running;
  readonly #storage: HomeStorage;
  readonly #kernel: () => Kernel;
  readonly #loop = new LoopMeter();
  #silence: NodeJS.Timeout | undefined;

  constructor(running: Running, storage: HomeStorage, kernel: () => Kernel) {
    this.#running = running;
    this.#storage = storage;
    this.#kernel = kernel;
    this.#silence = setInterval(() => this.#endSilent(), 1000).unref();
  }

  /** Ends the sessions of workers that have work and are silent: their leases end with them. */
  #endSilent(): void {
    if (!this.beats.expects) return;
    const { rings, time } = this.#kernel();
    for (const worker of this.beats.silent(time.now())) {
      const ended = rings.closeSessions(({ subject }) => subject === worker);
      if (ended > 0) rings.log(`worker ${worker} is silent with work: its session was ended`);
    }
  }

  /** The hive serves from now on: how long its start held the loop was nobody's wait. */
  serving(): void {
    this.#loop.reset();
  }

  #warnings(): readonly string[] {
    const space = this.#storage.space.now;
    const low =
      space && space.level !== "ok"
        ? [`only ${Math.round(space.freeRatio * 1000) / 10} % of the disk is free`]
        : [];
    return [...this.#running.config.warnings, ...low];
  }

  get metrics(): MetricsDeps {
    return {
      traced: (record) => this.traced(record),
      collect: () =>
        collectFigures({
          kernel: this.#kernel(),
          loop: this.#loop.figures,
          outstanding: this.outstanding(),
          http: this.http(),
          started: this.#started,
          freeRatio: this.#storage.space.now?.freeRatio,
        }),
    };
  }

  get proc(): ProcDeps {
    return {
      version,
      node: process.versions.node,
      edges: () => this.edges,
      manifest: () => ({
        manifest: this.#running.manifest.hash,
        profile: this.#running.config.values.profile,
      }),
      warnings: () => this.#warnings(),
      sessions: () => this.#kernel().sessions,
      pressure: () => this.#kernel().metrics.pressure,
      ninep: () => ({
        outstanding: this.outstanding(),
        shortWrites: this.#kernel().metrics.counts.shortWrites,
      }),
      undurable: () => this.#kernel().journal.depth,
      loop: () => this.#loop.figures,
    };
  }

  get queen(): QueenDeps {
    return {
      mostLive,
      clock: { drift: () => this.#kernel().time.drift(), confirm: () => this.#kernel().time.confirm() },
    };
  }

  stop(): void {
    this.#loop.stop();
    clearInterval(this.#silence);
  }
}
