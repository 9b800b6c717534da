/** What the priority of a job is made of. */
export interface Signals {
  /** Compute that its owner gave to others, NCU. */
  readonly ncu: number;
  /** Votes for it less those against, and how many voted. */
  readonly votes: { readonly net: number; readonly voters: number };
  /** The part of the largest job that it asks for, 0 to 1. */
  readonly size: number;
  /** How long it has waited, milliseconds. */
  readonly waitedMs: number;
  /** Compute that its owner used in the last 24 hours, NCU. */
  readonly used: number;
}

/** Weights of the five signals; together 1. */
export const weights = { ncu: 0.35, vote: 0.25, size: 0.15, age: 0.15, cool: 0.1 } as const;

const halfAgeMs = 4 * 3_600_000;
const positive = (value: number): number => Math.max(0, value);

/** The five signals, each from 0 to 1. */
export function signalsOf({
  ncu,
  votes,
  size,
  waitedMs,
  used,
}: Signals): Record<keyof typeof weights, number> {
  return {
    ncu: 1 - Math.exp(-0.12 * positive(ncu)),
    vote: (Math.tanh(votes.net / Math.sqrt(positive(votes.voters) + 1)) + 1) / 2,
    size: Math.exp(-2 * Math.min(1, positive(size))),
    age: 1 - 2 ** (-positive(waitedMs) / halfAgeMs),
    cool: Math.exp(-positive(used) / 10),
  };
}

/** Priority of a job, from 0 to 1; the user of a machine is no part of it, because that user comes first always. */
export function priority(signals: Signals): number {
  const told = signalsOf(signals);
  let sum = 0;
  for (const name of ["ncu", "vote", "size", "age", "cool"] as const) sum += weights[name] * told[name];
  return sum;
}

/** NCU of an hour of one slot: a slot counts as a machine of caliber C1. */
export const ncuOfSlotHour = 0.1;
