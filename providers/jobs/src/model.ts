import type { Cell, Json, Table } from "@skep/kernel";

/** Output of a job: small output rides in the record, larger lies in the blob store. */
export type Output = { readonly bytes: number; readonly inline?: string; readonly digest?: string };

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
};

export type State = "queued" | "running" | "done" | "failed" | "canceled" | "expired";

/** A receipt as it came. */
export type Envelope = { readonly [key: string]: Json | undefined };

/** How a job ended. */
export type End = {
  readonly reason: string;
  readonly exit: number | null;
  readonly message: string;
  readonly stdout: Output;
  readonly stderr: Output;
  /** The signed envelope as the worker sent it, null from a worker that does not sign. */
  readonly receipt: Envelope | null;
  readonly verified: boolean;
  readonly peakBytes: number;
};

export type Late = {
  readonly worker: string;
  readonly time: number;
  readonly receipt: Envelope | null;
};

/** One job; its id is the sequence of the record that made it. */
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
  /** A queued job expires then, milliseconds; 0 for never. */
  readonly expires: number;
  readonly worker: string;
  /** True while it takes up a slot of its worker; a cancelled job does until the worker says that it stopped. */
  readonly held: boolean;
  /** Workers that had it, oldest first. */
  readonly tried: readonly string[];
  /** How many of those tries a restart of the hive cut short or never began: they are not held against the job. */
  readonly spared: number;
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
  /** Its leases end then unless it renews. */
  readonly until: number;
  readonly present: boolean;
  /** Its owner needs the machine: it gets nothing until it says that it is free again. */
  readonly paused?: true;
};

/** The slice. Bound: live jobs, the newest thousand that ended, manifests until they expire, known workers. */
export interface Jobs {
  readonly jobs: Table<Job>;
  /** Waiting jobs in order. */
  readonly queue: Table<number>;
  /** Running jobs to their worker. */
  readonly running: Table<string>;
  /** Ended jobs that are still in state, oldest first. */
  readonly ended: Table<number>;
  /** Manifest hash to the job and when it may be forgotten. */
  readonly manifests: Table<{ readonly job: string; readonly until: number }>;
  readonly capacity: Table<Capacity>;
  /** Present workers with a free slot, longest idle first. */
  readonly idle: Table<number>;
  /** When leases and expiries are looked at next; 0 for never. */
  readonly check: Cell<number>;
}

/** Ended jobs kept in state. */
export const keepEnded = 1000;
/** Jobs that one record forgets at most: it must stay far below the largest. */
export const forgetMost = 256;
/** Ended jobs that a listing shows beside the live ones: a client that looks into each must not wait. */
export const listEnded = 32;
/** A worker that is not heard of for so long gives its jobs back, milliseconds. */
export const leaseMs = 15_000;
/** A worker whose job ended so soon after its lease gets others ahead, milliseconds. */
export const quickMs = 250;
/** Returns of a job that was not started which do not count as tries. */
export const mostSpared = 16;
/** How often a job is tried on a worker that vanishes. */
export const mostTries = 3;
/** Input and output up to this size ride in the record, bytes. */
export const inlineBytes = 6 * 1024;

export const noOutput: Output = { bytes: 0, inline: "" };

/** Whether a state is final. */
export function isEnded(state: State): boolean {
  return state !== "queued" && state !== "running";
}
