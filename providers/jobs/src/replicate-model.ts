import type { Cell, Scope, Table } from "@skep/kernel";
import type { Determinism, Fate, History, MachineClass, Rule } from "@skep/trust";
import type { End } from "./end.ts";

/** One machine's answer to a job that several answer. It exists from its commitment on. */
export type Seat = {
  readonly worker: string;
  readonly try: number;
  readonly owner: string;
  readonly class: MachineClass;
  readonly key: string;
  /** Process that committed: another one cannot be expected to know the answer. */
  readonly incarnation: string;
  /** Empty of an auditor, who needs none. */
  readonly commitment: string;
  readonly committed: number;
  /** 0 until it told its answer. */
  readonly revealed: number;
  readonly salt: string;
  /** What is compared; empty without an answer. */
  readonly answer: string;
  /** How it came out; empty while nothing is known, and for good where it gave no answer for a reason of its host. */
  readonly fate: Fate | "";
  readonly why: string;
  readonly end: End | null;
  /** How long it had the job, milliseconds. */
  readonly ms: number;
};

/** Rule of a job, as its verdict and its receipts name it. */
export type JobRule = Rule & { readonly class: Determinism };

/** What an audit runs again. */
export type Audits = {
  readonly job: string;
  readonly answer: string;
  readonly workers: readonly string[];
  /** What was paid for it: it goes back where the answer was wrong. */
  readonly paid: readonly { readonly account: string; readonly micro: number }[];
};

/** Several answers to one job on their way to a verdict. */
export type Ballot = {
  readonly rule: JobRule;
  readonly phase: "commit" | "reveal";
  readonly seats: readonly Seat[];
  /** When the phase ends whoever is missing; 0 for not yet. */
  readonly by: number;
  /** The ended job whose accepted answer is run again. */
  readonly audits?: Audits;
};

/** What a verdict says of one machine. */
export type Judged = {
  readonly worker: string;
  readonly key: string;
  readonly owner: string;
  readonly class: MachineClass;
  readonly try: number;
  readonly verdict: "agreed" | "dissent" | "no-answer";
  /** `valid`, what it did wrong, or why it gave no answer. */
  readonly why: string;
  readonly reason: string;
  readonly commitment: string;
  readonly salt: string;
  readonly committed_ms: number;
  readonly revealed_ms: number;
  readonly receipt: End["receipt"];
};

/** What came of several answers, each with its receipt: a third party needs no more to check it. */
export type Verdict = {
  readonly job: string;
  readonly job_id: string;
  readonly rule: JobRule & { readonly owners: string; readonly policy: string };
  /** What counts; null without a quorum. */
  readonly answer: string | null;
  readonly replicas: readonly Judged[];
};

/** Where a machine is: first addresses of its IPv4 /24 or IPv6 /48, or the PeerId of its relay. */
export type Network = { readonly ip4?: string; readonly ip6?: string; readonly relay?: string };

/** What is known of a machine beside its hello. */
export type Standing = { readonly class: MachineClass; readonly owner: string };

/** The part of the slice that is about agreement. Bound: live ballots, verdicts of ended jobs in state, machines ever judged. */
export interface Agreement {
  readonly ballots: Table<Ballot>;
  readonly verdicts: Table<Verdict>;
  /** Ended jobs to what an audit of them found. */
  readonly audits: Table<{
    readonly audit: string;
    readonly found: "waits" | "agreed" | "overturned" | "open";
  }>;
  readonly histories: Table<History>;
  readonly standings: Table<Standing>;
  /** Networks of strangers' machines. */
  readonly places: Table<Network>;
  /** Version of the policies in force. */
  readonly policy: Cell<number>;
  /** Fingerprint of what the hive is configured to, hex; empty before it was told. */
  readonly configured: Cell<string>;
}

export const agreement = (scope: Scope): Agreement => ({
  ballots: scope.table("ballots"),
  verdicts: scope.table("verdicts"),
  audits: scope.table("audits"),
  histories: scope.table("histories"),
  standings: scope.table("standings"),
  places: scope.table("places"),
  policy: scope.cell("policy", 0),
  configured: scope.cell("configured", ""),
});

export type Committed = Pick<
  Seat,
  "worker" | "try" | "owner" | "class" | "key" | "incarnation" | "commitment"
> & {
  readonly job: string;
  /** When those that are missing are not waited for any more; 0 for not yet. */
  readonly by: number;
};
export type Revealing = { readonly job: string; readonly by: number; readonly slow: readonly string[] };
export type Revealed = Pick<Seat, "worker" | "salt" | "answer" | "fate" | "why"> & {
  readonly job: string;
  readonly end: End;
};
export type Settled = {
  readonly job: string;
  readonly worker: string;
  readonly state: "done" | "failed";
  readonly end: End;
  readonly verdict: Verdict;
};
export type Metered = {
  readonly job: string;
  readonly payer: string;
  readonly paid: Audits["paid"];
};
export type Auditing = Audits & {
  readonly audit: string;
  readonly rule: JobRule;
  readonly classes: readonly string[];
  readonly seats: readonly Seat[];
};
export type Audited = {
  readonly job: string;
  readonly audit: string;
  readonly found: "agreed" | "overturned" | "open";
  /** Machines whose answer was found right, and wrong. */
  readonly right: readonly string[];
  readonly wrong: readonly string[];
  readonly class: Determinism;
};

/** What a machine is to this hive; one that did not join with an invitation is the hive's own. */
export function standingOf({ standings }: Agreement, worker: string): Standing {
  return standings.get(worker) ?? { class: "owned", owner: "hive" };
}
