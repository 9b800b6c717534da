import type { Determinism, MachineClass } from "./machine.ts";

/** What a machine proved of its hardware. */
export type Attested = "none" | "tpm" | "tee" | "gpu";

/** How an answer came out in a verdict. */
export type Fate =
  | "valid"
  /** Another answer than the one that counts. */
  | "wrong-output"
  /** What it revealed is not what it had committed to, and is the answer of another. */
  | "copied-output"
  /** What it revealed is not what it had committed to. */
  | "broken-commitment"
  /** Present, told to reveal, and silent until it was too late. */
  | "late-reveal"
  | "forged-receipt"
  | "replayed-receipt"
  | "other-job";

/** A quarantined machine gets no work. */
export type Quarantine = {
  readonly reason: string;
  readonly by: string;
  readonly since: number;
  /** Milliseconds since 1970; 0 for until somebody releases it. */
  readonly until: number;
};

/** What is remembered of a machine's answers. Whole numbers only: it is state. */
export type History = {
  /** First answer, or first hello, milliseconds since 1970. */
  readonly since: number;
  readonly valid: number;
  readonly invalid: number;
  /** Consecutive valid answers, by determinism class. */
  readonly streak: { readonly pure: number; readonly loose: number };
  /** The newest answers, one bit each, 1 for a bad one; the newest is the lowest. */
  readonly recent: number;
  /** How many of its bits count. */
  readonly seen: number;
  readonly attested: Attested;
  /** How often it was put away. */
  readonly times: number;
  readonly quarantine: Quarantine | null;
  /** The last bad answer. */
  readonly last: { readonly fate: string; readonly job: string; readonly time: number } | null;
};

/** Consecutive valid answers after which a machine is trusted with work alone. */
export const trustedAfter = 10;
const day = 86_400_000;
const window = 20;
/** Wrong outputs among the newest answers that put a machine away: memory may be bad once. */
const mostWrong = 3;
const firstAway = day;
const longestAway = 30 * day;

/** What cannot happen to an honest machine puts it away at once. */
const deliberate: ReadonlySet<Fate> = new Set([
  "copied-output",
  "broken-commitment",
  "forged-receipt",
  "replayed-receipt",
  "other-job",
]);

/** A machine of which nothing is known yet. */
export function newcomer(since: number, attested: Attested = "none"): History {
  const streak = { pure: 0, loose: 0 };
  const none = { valid: 0, invalid: 0, streak, recent: 0, seen: 0, times: 0, quarantine: null, last: null };
  return { since, attested, ...none };
}

function bits(value: number): number {
  let ones = 0;
  for (let left = value; left > 0; left = Math.floor(left / 2)) ones += left % 2;
  return ones;
}

/** Bad answers among the newest twenty. */
export function recentFailures({ recent }: Pick<History, "recent">): number {
  return bits(recent);
}

/** Puts a machine away: a day the first time, twice as long each further time, at most thirty days. */
export function quarantine(
  history: History,
  reason: string,
  by: string,
  now: number,
  until?: number,
): History {
  const times = history.times + 1;
  const away = Math.min(longestAway, firstAway * 2 ** Math.min(times - 1, 10));
  return {
    ...history,
    times,
    streak: { pure: 0, loose: 0 },
    quarantine: { reason, by, since: now, until: until ?? now + away },
  };
}

/** Lets it back: it begins at the bottom, so that its next answers are all checked. */
export function release(history: History): History {
  return { ...history, quarantine: null, recent: 0, seen: 0, streak: { pure: 0, loose: 0 } };
}

/** Adds one answer. A bad one ends every streak. */
export function after(
  history: History,
  fate: Fate,
  told: { readonly class: Determinism; readonly job: string; readonly now: number },
): History {
  const { class: of, job, now } = told;
  const bad = fate === "valid" ? 0 : 1;
  const seen = Math.min(window, history.seen + 1);
  const recent = (history.recent * 2 + bad) % 2 ** window;
  if (bad === 0) {
    const streak = { ...history.streak, [of]: history.streak[of] + 1 };
    return { ...history, valid: history.valid + 1, streak, recent, seen };
  }
  const next: History = {
    ...history,
    invalid: history.invalid + 1,
    streak: { pure: 0, loose: 0 },
    recent,
    seen,
    last: { fate, job, time: now },
  };
  if (next.quarantine) return next;
  if (deliberate.has(fate)) return quarantine(next, `${fate} in job ${job}`, "system", now);
  if (bits(recent) >= mostWrong)
    return quarantine(next, `${bits(recent)} bad answers of its last ${seen}`, "system", now);
  return next;
}

const attestation: Readonly<Record<Attested, number>> = { none: 0, tpm: 0.5, tee: 1, gpu: 1 };

/**
 * 0 to 1: half for answers that were valid, three tenths for proved hardware, two tenths for thirty days of age, times
 * the part of the newest twenty that were good; at most a half within the first seven days.
 */
export function score(history: History, now: number): number {
  const { valid, invalid, attested, since, recent, seen } = history;
  const age = Math.max(0, now - since);
  const consistency = valid + invalid === 0 ? 0 : valid / (valid + invalid);
  const base = 0.5 * consistency + 0.3 * attestation[attested] + 0.2 * Math.min(age / (30 * day), 1);
  const whole = Math.min(1, Math.max(0, base)) * (1 - (seen === 0 ? 0 : bits(recent) / seen));
  return age < 7 * day ? Math.min(0.5, whole) : whole;
}

/** 0 for new or distrusted, 1 and 2 by score and age, 3 and 4 with proved hardware. */
export type Tier = 0 | 1 | 2 | 3 | 4;

/** The tier of a machine. */
export function tierOf(history: History, now: number): Tier {
  const points = score(history, now);
  const age = now - history.since;
  if (points < 0.4 || age < 7 * day) return 0;
  if (history.attested === "gpu" && points >= 0.95) return 4;
  if (history.attested === "tee" && points >= 0.95) return 3;
  if (points >= 0.7 - 1e-9 && age >= 30 * day) return 2;
  return 1;
}

/** Classes of machines that may work without any history. */
export function known(machine: MachineClass): boolean {
  return machine !== "volunteer";
}
