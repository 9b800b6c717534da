import type { Clock } from "@skep/clock";
import type { Entry, Memory } from "./memory.ts";
import type { Target } from "./target.ts";
import { type Pending, Tickets } from "./tickets.ts";

/** Lets so many steps happen, and then nothing of that start of an agent any more. */
export class Power {
  left: number;
  readonly off = new AbortController();

  constructor(left: number) {
    this.left = left;
  }

  step(): void {
    if (this.left <= 0) {
      this.off.abort(new Error("the power is off"));
      throw this.off.signal.reason;
    }
    this.left -= 1;
  }

  /** A cut may come before it, and after it: then it is done and nobody heard. */
  async around<T>(act: () => T | Promise<T>): Promise<T> {
    this.step();
    const result = await act();
    this.step();
    return result;
  }
}

/** What an agent remembers, as its disk keeps it. */
export class Kept implements Memory {
  cursor = -1;
  readonly #entries = new Map<string, Entry>();

  get(id: string): Entry | undefined {
    return this.#entries.get(id);
  }

  put(id: string, entry: Entry): void {
    this.cursor = Math.max(this.cursor, entry.n);
    this.#entries.set(id, entry);
  }

  forget(id: string): void {
    this.#entries.delete(id);
  }
}

function powered(memory: Memory, power: Power): Memory {
  const around = (act: () => void): void => {
    power.step();
    act();
    power.step();
  };
  return {
    get cursor() {
      return memory.cursor;
    },
    get: (id) => memory.get(id),
    put: (id, entry) => around(() => memory.put(id, entry)),
    forget: (id) => around(() => memory.forget(id)),
  };
}

/** One start of an agent, that lives as long as its power. */
export interface Life {
  readonly steps: number;
  readonly incarnation: string;
  readonly memory: Memory;
  readonly clock: Clock;
  /** Says a line of the agent to the hive. */
  readonly say: (line: object) => Promise<void>;
  readonly pending: () => Promise<readonly Pending[]>;
  readonly target: (power: Power) => Target;
}

/** Lives it: takes what waits, until nothing is under way or the power is off. True where it was cut. */
export async function live(life: Life): Promise<boolean> {
  const { steps, incarnation, memory, clock, say, pending, target } = life;
  const power = new Power(steps);
  const acted = target(power);
  const tickets = new Tickets({
    pending,
    say: (line) => power.around(() => say({ incarnation, ...line })),
    target: () => acted,
    check: () => undefined,
    memory: powered(memory, power),
    clock,
    log: () => undefined,
    signal: power.off.signal,
  });
  await tickets.drive(() => undefined);
  await tickets.idle();
  return power.left <= 0;
}

/** The message of what is thrown; empty where nothing is. */
export function messageOf(act: () => unknown): string {
  try {
    act();
  } catch (thrown) {
    return (thrown as Error).message;
  }
  return "";
}
