/** One line of the result, as it is printed and written as JSON. */
export interface Row {
  readonly name: string;
  /** Median of the runs. */
  readonly value: number;
  readonly unit: string;
  /** What is wanted: at least this for rates, at most this for everything else; null where nothing is. */
  readonly goal: number | null;
  /** Whether the value reaches its goal, and the ratio what is wanted of it; null where nothing is. */
  readonly met: boolean | null;
  readonly peer: string | null;
  readonly peer_value: number | null;
  /** Value by peer value: how many times as much. */
  readonly ratio: number | null;
  /** Every run's value, in the order in which they were made. */
  readonly runs: readonly number[];
  readonly machine: string;
}

/** A goal, and which side of it is good. */
export type Bound = { readonly least: number } | { readonly most: number };

/** What a bench found out, before it is judged. */
export interface Measured {
  readonly name: string;
  readonly unit: string;
  readonly runs: readonly number[];
  readonly goal?: Bound;
  readonly peer?: string;
  /** The peer's runs, made between ours. */
  readonly peerRuns?: readonly number[];
  /** How many times the peer's value ours has to be. */
  readonly leastRatio?: number;
}

/** A bench by its name: what it measures, in the order of the table. */
export interface Bench {
  readonly name: string;
  /** Not part of a run that names none. */
  readonly extra?: boolean;
  run(tell: (text: string) => void): Promise<readonly Measured[]>;
}

/** The middle value; the mean of the two middle ones where there are two. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  const upper = sorted[half] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? upper) + upper) / 2;
}

function rounded(value: number): number {
  return Number(value.toPrecision(value >= 1000 ? 6 : 4));
}

function judged(value: number, ratio: number | null, { goal, leastRatio }: Measured): boolean | null {
  if (!goal && leastRatio === undefined) return null;
  const reached = !goal || ("least" in goal ? value >= goal.least : value <= goal.most);
  return reached && (leastRatio === undefined || (ratio ?? 0) >= leastRatio);
}

/** The row of a measurement. */
export function rowOf(measured: Measured, machine: string): Row {
  const { name, unit, goal, peer, peerRuns, runs } = measured;
  const value = rounded(median(runs));
  const peerValue = peerRuns ? rounded(median(peerRuns)) : null;
  const ratio = peerValue ? rounded(value / peerValue) : null;
  return {
    name,
    value,
    unit,
    goal: goal ? ("least" in goal ? goal.least : goal.most) : null,
    met: judged(value, ratio, measured),
    peer: peer ?? null,
    peer_value: peerValue,
    ratio,
    runs: runs.map(rounded),
    machine,
  };
}
