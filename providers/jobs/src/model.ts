import type { Cell, Table } from "@skep/kernel";
import type { Checkpoint, Kept, LastKept } from "./checkpoint-model.ts";
import type { End, Envelope, Output } from "./end.ts";
import type { Contained } from "./bans.ts";
import type { Agreement, JobRule } from "./replicate-model.ts";

export type { End, Envelope, Output };

/** Input of a job, likewise. */
export type Input = { readonly bytes: number; readonly inline?: string; readonly digest?: string };

export type Limits = {
  readonly wallMs: number;
  readonly memoryBytes: number;
  /** Decimal: units of fuel do not fit a number for ever. */
  readonly fuel: string;
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
};

/** What is to run. */
export type Run = {
  readonly kind: "wasm" | "task";
  /** Digest of the module, or name of the task. */
  readonly what: string;
  readonly args: readonly string[];
  readonly env: { readonly [name: string]: string };
  readonly limits: Limits;
  readonly grade: "fresh" | "shared";
  /** What it is for, as the owners of machines name it in what they refuse; `general` where absent. */
  readonly class?: string;
  /** The file that it keeps while it runs; whoever has it next goes on from it. */
  readonly checkpoint?: Checkpoint;
};

export const dataLabels = ["public", "internal", "private"] as const;
/** Who may see what a job works on: anybody's machine, any but a volunteer's, or only owned ones. */
export type DataLabel = (typeof dataLabels)[number];

/** Which machines may have a job; empty and 0 where anything will do. */
export type Where = {
  /** All of them. */
  readonly labels: readonly string[];
  readonly arch: string;
  readonly memoryBytes: number;
  /** One of them. */
  readonly classes: readonly string[];
  readonly data: DataLabel;
};

export const anywhere: Where = { labels: [], arch: "", memoryBytes: 0, classes: [], data: "internal" };

export type State = "queued" | "running" | "done" | "failed" | "canceled" | "expired";

export type Late = {
  readonly worker: string;
  readonly time: number;
  readonly receipt: Envelope | null;
};

/** A worker that has a job. */
export type Lease = {
  readonly worker: string;
  /** Number of the try, from 1. */
  readonly try: number;
  readonly since: number;
  /** Losing it is not held against the job: a restart of the hive cut it short, or it is the copy of a straggler. */
  readonly spared?: true;
  /** What the job had kept, and this one goes on from. */
  readonly from?: Kept;
};

/** One job; its id is the sequence of the record that made it, and its place where that made several. */
export type Job = {
  readonly id: string;
  /** Hash of the signed manifest, or of the unsigned one that the hive made: what the receipt binds. */
  readonly jobId: string;
  readonly owner: string;
  readonly signer: string;
  readonly run: Run;
  readonly stdin: Input;
  readonly state: State;
  readonly submitted: number;
  /** It ends then if it has not ended before, milliseconds since 1970; 0 for never. */
  readonly deadline: number;
  /** Orders it among the jobs of its owner, and no others. */
  readonly priority: number;
  readonly where: Where;
  /** Jobs that have to end well before it starts. */
  readonly needs: readonly string[];
  /** Jobs that wait for its end. */
  readonly dependents: readonly string[];
  /** The job whose output is its input, or empty. */
  readonly from: string;
  /** Array that it is of, or empty, and its place there. */
  readonly array: string;
  readonly index: number;
  /** How many workers are to have it at once. */
  readonly want: number;
  /** How many shall answer it, where that was asked for; else policy says. */
  readonly rule?: JobRule;
  /** Who has it first of all; whose result was taken, once it has ended. */
  readonly worker: string;
  /** Who has it; one that ended still takes up a slot until its worker says that it stopped. */
  readonly leases: readonly Lease[];
  /** The newest workers that had it, oldest first. */
  readonly tried: readonly string[];
  /** Leases that there were. */
  readonly tries: number;
  /** Leases that were lost and are held against it. */
  readonly losses: number;
  /** Workers whose owners do not take it, each with until when it is not offered there again. */
  readonly declined: readonly { readonly worker: string; readonly until: number }[];
  /** Returns before its start that were not held against it. */
  readonly spared: number;
  /** When the first of its present leases began. */
  readonly leased: number;
  readonly endedAt: number;
  readonly end: End | null;
  readonly late: readonly Late[];
};

export type Capacity = {
  readonly slots: number;
  /** Jobs that it takes beyond its slots while jobs are short; none where absent. */
  readonly ahead?: number;
  readonly used: number;
  readonly kinds: readonly string[];
  readonly incarnation: string;
  /** Its leases end then unless it renews. Those of one that beats end so long after its session. */
  readonly until: number;
  /** It is heard of without a record; absent where it renews. */
  readonly beats?: true;
  readonly present: boolean;
  /** Its owner needs the machine: it gets nothing until it says that it is free again. */
  readonly paused?: true;
};

/** How many jobs of an array are in which state. */
export type Counts = { readonly [Name in State]: number };

/** One module over many inputs. */
export type JobArray = {
  readonly id: string;
  readonly owner: string;
  readonly run: Run;
  /** Inputs that there will be. */
  readonly total: number;
  readonly counts: Counts;
  /** Records that brought inputs: sequence, place of the first, how many. */
  readonly parts: readonly (readonly [record: string, first: number, count: number])[];
  readonly submitted: number;
  /** When the last one ended, 0 before. */
  readonly endedAt: number;
  /** Who cancelled it, or empty. */
  readonly canceled: string;
};

/** Jobs of one owner that the same machines may have, in order. */
export type Lane = { readonly first: string; readonly last: string; readonly count: number };
/** A waiting job between its neighbours. */
export type Waiting = { readonly lane: string; readonly before: string; readonly after: string };

/** What one owner has and had. */
export type Usage = {
  /** Leases at present. */
  readonly running: number;
  /** When the present day of its account began, milliseconds since 1970. */
  readonly since: number;
  /** Milliseconds of slots used since then, and in the day before. */
  readonly today: number;
  readonly yesterday: number;
};

/** The slice. Bound: live jobs, the newest thousand that ended, manifests until they expire, known workers. */
export interface Jobs extends Agreement, Contained {
  readonly jobs: Table<Job>;
  /** Waiting jobs, linked in order of their lane. */
  readonly queue: Table<Waiting>;
  readonly lanes: Table<Lane>;
  /** Jobs that take up slots to the workers that have them. */
  readonly held: Table<readonly string[]>;
  /** Owners to what they use. */
  readonly usage: Table<Usage>;
  /** How long modules ran lately, milliseconds. */
  readonly took: Table<readonly number[]>;
  /** Jobs that have a deadline. */
  readonly deadlines: Table<number>;
  readonly arrays: Table<JobArray>;
  /** Arrays whose jobs are being cancelled, by the part that is next. */
  readonly sweeping: Table<number>;
  /** Leases modulo `turnsOfAge`. */
  readonly turn: Cell<number>;
  /** Jobs to what they kept last, until they leave state. */
  readonly kept: Table<LastKept>;
  /** Ended jobs that are still in state, oldest first. */
  readonly ended: Table<number>;
  /** Manifest hash to the job and when it may be forgotten. */
  readonly manifests: Table<{ readonly job: string; readonly until: number }>;
  readonly capacity: Table<Capacity>;
  /** Present workers with a free slot, longest idle first. */
  readonly idle: Table<number>;
  /** While the hive drains or stands still nothing is leased: what waits goes on waiting. */
  readonly halted: Cell<boolean>;
  /** When leases and expiries are looked at next; 0 for never. */
  readonly check: Cell<number>;
  /** How long ended jobs stay, as `/policy/ctl` says, milliseconds; null before it did. */
  readonly keepEndedMs: Cell<number | null>;
}

/** Ended jobs kept in state. */
export const keepEnded = 1000;
/** Jobs that one record forgets at most: it must stay far below the largest. */
export const forgetMost = 256;
/** Ended jobs that a listing shows beside the live ones. */
export const listEnded = 32;
/** How many of them a mount lists: to look into each costs its client over forty requests. */
export const listEndedBriefly = 16;
/** A worker that is not heard of for so long gives its jobs back, milliseconds. */
export const leaseMs = 15_000;
/** A worker whose job ended so soon after its lease gets others ahead, milliseconds. */
export const quickMs = 250;
/** Returns of a job that was not started which do not count as tries. */
export const mostSpared = 16;
/** A machine whose owner gave a job back is not offered it again for so long, milliseconds. */
export const declinedMs = 60_000;
/** How often a job is tried on a worker that vanishes. */
export const mostTries = 3;
/** Workers that had a job which are remembered. */
export const mostTried = 32;
/** One lease in so many goes to whoever waits longest, whatever its priority: nothing starves. */
export const turnsOfAge = 8;
/** Jobs that may live at once: a queue without an end would take all memory. */
export const mostLive = 200_000;
/** Arrays in state, and inputs of each. */
export const mostArrays = 256;
export const mostInputs = 10_000;
/** Modules whose times are remembered, and times of each. */
export const mostModules = 256;
export const mostTimes = 9;
/** Input and output up to this size ride in the record, bytes. */
export const inlineBytes = 6 * 1024;

export const noOutput: Output = { bytes: 0, inline: "" };

/** Whether a state is final. */
export function isEnded(state: State): boolean {
  return state !== "queued" && state !== "running";
}
