import { foldRecord } from "./fold.ts";
import type { HiveState } from "./hive.ts";
import type { Recorded } from "./recording.ts";

/** A recording that is shown: where it stands, and the hive as it was there. */
export class Replay {
  readonly name: string;
  readonly records: readonly Recorded[];
  readonly #make: () => HiveState;
  #state: HiveState;
  #done = 0;
  /** Grows with every new state. */
  turn = 0;

  /** Stands before the first record. */
  constructor(name: string, records: readonly Recorded[], make: () => HiveState) {
    this.name = name;
    this.records = records;
    this.#make = make;
    this.#state = this.#begin();
  }

  #begin(): HiveState {
    const state = this.#make();
    this.turn += 1;
    state.setFact("listed", true);
    state.setFact("/jobs", []);
    return state;
  }

  /** The hive as it was; another object after a step back. */
  get state(): HiveState {
    return this.#state;
  }

  /** How many records were taken in. */
  get done(): number {
    return this.#done;
  }

  /** The time of the last record that was taken in, or of the first one. */
  get time(): number {
    return this.records[Math.max(0, this.#done - 1)]?.time ?? 0;
  }

  /** Goes to after so many records. What was jumped over does not fly. */
  to(done: number): void {
    const goal = Math.max(0, Math.min(this.records.length, Math.round(done)));
    const isStep = goal === this.#done + 1;
    if (goal < this.#done) {
      this.#state = this.#begin();
      this.#done = 0;
    }
    this.#take(goal);
    if (isStep) return;
    this.#state.flights.clear();
    this.#state.pulses.clear();
  }

  /** Plays what happened until a time; gives whether anything is left. */
  play(until: number): boolean {
    let goal = this.#done;
    while (goal < this.records.length && (this.records[goal]?.time ?? 0) <= until) goal += 1;
    this.#take(goal);
    return goal < this.records.length;
  }

  #take(goal: number): void {
    for (; this.#done < goal; this.#done += 1) {
      const record = this.records[this.#done];
      if (record) foldRecord(this.#state, record);
    }
    this.#state.setFact("/jobs", [...this.#state.jobs.keys()]);
  }
}
