import type { Clock } from "@skep/clock";
import { fault } from "./faults.ts";

/** What a request is: commands go first, then reads, then bytes in bulk and telemetry. */
export type Lane = "control" | "read" | "bulk";

/** Limits of a broker. */
export interface BrokerOptions {
  readonly clock: Clock;
  readonly defer: (act: () => void) => void;
  /** Acts under way at a time; 32 by default. Reads leave 4 of them, bulk 16. */
  readonly slots?: number;
  /** Acts that wait in one lane; 4,096 by default. */
  readonly waiting?: number;
  /** Acts of one caller that wait in one lane; 1,024 by default. */
  readonly perCaller?: number;
}

const lanes: readonly Lane[] = ["control", "read", "bulk"];
/** Milliseconds after which the loop gets its turn. */
const quantum = 4;

class Line {
  readonly #callers = new Map<string, (() => void)[]>();
  size = 0;

  of(caller: string): number {
    return this.#callers.get(caller)?.length ?? 0;
  }

  push(caller: string, act: () => void): void {
    const own = this.#callers.get(caller);
    if (own) own.push(act);
    else this.#callers.set(caller, [act]);
    this.size += 1;
  }

  // Callers take turns, however much each of them asks for.
  take(): (() => void) | undefined {
    const first = this.#callers.entries().next().value;
    if (!first) return undefined;
    const [caller, acts] = first;
    const act = acts.shift();
    this.#callers.delete(caller);
    if (acts.length > 0) this.#callers.set(caller, acts);
    this.size -= 1;
    return act;
  }
}

/** Serves callers in turns, control before telemetry, and refuses what would wait in too long a line. */
export class Broker {
  readonly #options: BrokerOptions;
  readonly #lines: Readonly<Record<Lane, Line>> = { control: new Line(), read: new Line(), bulk: new Line() };
  readonly #most: Readonly<Record<Lane, number>>;
  readonly running: Record<Lane, number> = { control: 0, read: 0, bulk: 0 };
  /** Acts refused because a line was full. */
  refused = 0;
  #pumping = false;

  constructor(options: BrokerOptions) {
    const slots = options.slots ?? 32;
    this.#options = options;
    this.#most = {
      control: slots,
      read: Math.max(1, slots - 4),
      bulk: Math.max(1, Math.floor(slots / 2)),
    };
  }

  get waiting(): number {
    return lanes.reduce((sum, lane) => sum + this.#lines[lane].size, 0);
  }

  /** Runs `act` when it is its turn. Throws `http.busy` and `http.crowded` at once when lines are full. */
  run<T>(lane: Lane, caller: string, act: () => Promise<T> | T): Promise<T> {
    const line = this.#lines[lane];
    if (line.size >= (this.#options.waiting ?? 4096)) return this.#refuse(fault.busy());
    if (line.of(caller) >= (this.#options.perCaller ?? 1024)) return this.#refuse(fault.crowded());
    return new Promise<T>((resolve, reject) => {
      line.push(caller, () => {
        this.running[lane] += 1;
        this.#perform(act)
          .then(resolve, reject)
          .finally(() => {
            this.running[lane] -= 1;
            if (this.waiting > 0) this.#soon();
          });
      });
      this.#soon();
    });
  }

  async #perform<T>(act: () => Promise<T> | T): Promise<T> {
    return act();
  }

  #refuse(refused: Error): Promise<never> {
    this.refused += 1;
    return Promise.reject(refused);
  }

  #soon(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    this.#options.defer(() => {
      this.#pumping = false;
      this.#pump();
    });
  }

  #next(): (() => void) | undefined {
    const total = this.running.control + this.running.read + this.running.bulk;
    for (const lane of lanes)
      if (total < this.#most[lane]) {
        const act = this.#lines[lane].take();
        if (act) return act;
      }
    return undefined;
  }

  #pump(): void {
    const until = this.#options.clock.monotonic() + quantum;
    for (let act = this.#next(); act; act = this.#next()) {
      act();
      if (this.#options.clock.monotonic() >= until) {
        this.#soon();
        return;
      }
    }
  }
}
