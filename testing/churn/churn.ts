import type { ChildProcess } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { seeded } from "../clock/seeded.ts";

/** How often what happens to a process, as rates per hour of simulated time. */
export interface ChurnOptions {
  readonly seed: number;
  /** Milliseconds of real time that stand for an hour. */
  readonly hour: number;
  /** Kills of one process. */
  readonly kills: number;
  /** Cuts of one process from all others. */
  readonly cuts: number;
  /** Mean hours until a killed one is started again, or a cut one is let back. */
  readonly away: number;
  /** Milliseconds of real time that a cut lasts at least: shorter ones are not noticed. */
  readonly leastCut: number;
}

/** A process that dies and comes back. */
export interface Mortal {
  start(): ChildProcess;
  /** Cuts it off; the answer lets it back. */
  cut(child: ChildProcess): () => void;
}

/** What happened. */
export interface Happened {
  kills: number;
  starts: number;
  cuts: number;
}

/** Kills, cuts off and starts processes by Poisson clocks; the seed decides when. */
export class Churn {
  readonly happened: Happened = { kills: 0, starts: 0, cuts: 0 };
  readonly #options: ChurnOptions;
  readonly #stop = new AbortController();
  readonly #children = new Map<Mortal, ChildProcess>();
  readonly #lives: Promise<void>[] = [];

  constructor(options: ChurnOptions) {
    this.#options = options;
  }

  /** Starts a process and begins to trouble it. */
  add(mortal: Mortal): void {
    this.#start(mortal);
    this.#lives.push(this.#live(mortal, seeded(this.#options.seed + 7919 * this.#lives.length)));
  }

  #start(mortal: Mortal): ChildProcess {
    const child = mortal.start();
    this.happened.starts += 1;
    this.#children.set(mortal, child);
    return child;
  }

  /** Milliseconds of real time until the next of events that come so often in an hour. */
  #wait(random: () => number, perHour: number): number {
    return (-Math.log(1 - random()) / perHour) * this.#options.hour;
  }

  async #live(mortal: Mortal, random: () => number): Promise<void> {
    const { kills, cuts, away, leastCut } = this.#options;
    while (await this.#passes(this.#wait(random, kills + cuts))) {
      const child = this.#children.get(mortal);
      if (!child) return;
      const back = this.#wait(random, 1 / away);
      if (random() * (kills + cuts) < kills) {
        await this.#kill(child);
        await this.#passes(back);
        this.#start(mortal);
      } else {
        this.happened.cuts += 1;
        const heal = mortal.cut(child);
        await this.#passes(leastCut + back);
        heal();
      }
    }
  }

  async #kill(child: ChildProcess): Promise<void> {
    if (ended(child)) return;
    this.happened.kills += 1;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
  }

  async #passes(ms: number): Promise<boolean> {
    return await sleep(ms, true, { signal: this.#stop.signal }).catch(() => false);
  }

  /** Troubles nobody any more: everything runs, and is connected, from here on. */
  async calm(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#lives);
    for (const [mortal, child] of this.#children) if (ended(child)) this.#start(mortal);
  }

  /** Ends every process. */
  async end(): Promise<void> {
    await this.calm();
    const all = [...this.#children.values()].filter((child) => !ended(child));
    await Promise.all(
      all.map(async (child) => {
        const gone = new Promise((resolve) => child.once("exit", resolve));
        child.kill("SIGTERM");
        const late = setTimeout(() => child.kill("SIGKILL"), 10_000);
        await gone;
        clearTimeout(late);
      }),
    );
  }
}

function ended({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}
