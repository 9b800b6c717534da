import { isEnded, type Jobs } from "./model.ts";

/** A worker that has work and is not heard of for so long is not there any more, milliseconds: two beats and a little. */
export const silentMs = 12_000;
/** Jobs that one beat may name. */
const mostNamed = 1024;

/** The jobs that a beat names: their numbers between spaces or line ends. Anything else is passed over. */
export function namedIn(bytes: Uint8Array): string[] {
  const words = Buffer.from(bytes).toString("latin1").split(/\s+/, mostNamed);
  return words.filter((word) => /^\d{1,15}(\.\d{1,4})?$/.test(word));
}

/** Whether a worker has to go on with a job: it holds a lease of it, or an answer that was not asked for yet. */
function isWanted({ jobs, ballots }: Jobs, id: string, worker: string): boolean {
  const job = jobs.get(id);
  if (!job || isEnded(job.state)) return false;
  if (job.leases.some((lease) => lease.worker === worker)) return true;
  const seats = ballots.get(id)?.seats ?? [];
  return seats.some((seat) => seat.worker === worker && seat.revealed === 0);
}

/** Of the jobs that a worker names those that it should stop: they ended, or their lease is another's now. */
export function unwanted(state: Jobs, worker: string, named: readonly string[]): string[] {
  return named.filter((id) => !isWanted(state, id, worker));
}

/**
 * When workers that have work were last heard of. It is no part of state: a lease of a worker that beats lives as long as
 * its session, and whoever runs the hive ends the sessions of those that are silent. Only that end is a record.
 */
export class Beats {
  readonly #heard = new Map<string, number>();
  #state: Jobs | undefined;
  #joined: (worker: string) => void = () => undefined;

  /** From now on for this state: that of the hive, once it has recovered. */
  watch(state: Jobs): void {
    this.#state = state;
  }

  /** Calls `act` for every worker whose hello is durable. */
  whenJoined(act: (worker: string) => void): void {
    this.#joined = act;
  }

  /** A worker said hello. */
  joined(worker: string): void {
    this.#joined(worker);
  }

  /** A worker got work: it is expected to be heard of from now on. */
  expect(worker: string, now: number): void {
    if (!this.#heard.has(worker)) this.#heard.set(worker, now);
  }

  /** A worker was heard of. */
  hear(worker: string, now: number): void {
    this.#heard.set(worker, now);
  }

  /** Whether anybody is expected to be heard of. */
  get expects(): boolean {
    return this.#heard.size > 0;
  }

  /** When a worker that has work was last heard of, milliseconds since 1970; undefined for one that has none. */
  last(worker: string): number | undefined {
    return this.#heard.get(worker);
  }

  /** Workers that beat and have work, whose sessions should end because they were silent. To be asked every second. */
  silent(now: number): string[] {
    const silent: string[] = [];
    for (const [worker, heard] of this.#heard) {
      const capacity = this.#state?.capacity.get(worker);
      if (!capacity?.beats || !capacity.present || capacity.used === 0) this.#heard.delete(worker);
      else if (now - heard >= silentMs) silent.push(worker);
    }
    return silent;
  }
}
