import { type Cell, emitter, type EventMeta, type Scope, type Table } from "@skep/kernel";

/** How long blobs are kept. */
export type Retention = {
  /** Outputs of jobs, and what was stored and never named, milliseconds. */
  readonly outputsAge: number;
  /** Most bytes of outputs; the oldest go first. */
  readonly outputsSize: number;
  /** Modules and inputs after the last job that named them was submitted, milliseconds. */
  readonly jobsAge: number;
};

export type Blob = {
  readonly size: number;
  /** Hive time at which it was first stored, milliseconds. */
  readonly stored: number;
  readonly owners: readonly string[];
  /** Workers among the owners that stored it as output; it is output only where these are all. */
  readonly makers?: readonly string[];
};

/** A reason to keep a blob; each has its keep time. */
export const reasons = ["fresh", "outputs", "named", "stale"] as const;
export type Reason = (typeof reasons)[number];

/**
 * The slice: every complete blob, and why it is kept. Bound: what retention keeps. Each table of a reason has the time
 * since when it holds and is in the order of these times, so that what is due stands in front.
 */
export interface Cas {
  readonly blobs: Table<Blob>;
  /** Stored by somebody who may come back to it. */
  readonly fresh: Table<number>;
  /** Output of a job, and nothing else. */
  readonly outputs: Table<number>;
  /** Named by a job as its module or input. */
  readonly named: Table<number>;
  /** What a job had kept before something newer: gone soon. */
  readonly stale: Table<number>;
  /** Jobs to the digest of what they keep, until they end. */
  readonly checkpoints: Table<string>;
  /** Bytes of what is output and nothing else. */
  readonly outputBytes: Cell<number>;
  /** When the last sweep was, hive time in milliseconds, and whether more was due than it took. */
  readonly swept: Cell<{ readonly at: number; readonly more: boolean }>;
  /** What `/policy/ctl` says of retention; null before it did. */
  readonly retention: Cell<Retention | null>;
}

/** The slice of an empty journal. */
export const initial = (scope: Scope): Cas => ({
  blobs: scope.table("blobs"),
  fresh: scope.table("fresh"),
  outputs: scope.table("outputs"),
  named: scope.table("named"),
  stale: scope.table("stale"),
  checkpoints: scope.table("checkpoints"),
  outputBytes: scope.cell("output-bytes", 0),
  swept: scope.cell<{ at: number; more: boolean }>("swept", { at: 0, more: false }),
  retention: scope.cell<Retention | null>("retention", null),
});

function put(cas: Cas, reason: Reason, digest: string, time: number): void {
  drop(cas, reason, digest);
  cas[reason].set(digest, time);
  if (reason === "outputs") count(cas, digest, 1);
}

function drop(cas: Cas, reason: Reason, digest: string): void {
  if (!cas[reason].has(digest)) return;
  cas[reason].delete(digest);
  if (reason === "outputs") count(cas, digest, -1);
}

function count({ blobs, outputBytes }: Cas, digest: string, sign: 1 | -1): void {
  outputBytes.set(outputBytes.get() + sign * (blobs.get(digest)?.size ?? 0));
}

type Stored = { readonly digest: string; readonly size: number; readonly subject: string };

function stored(cas: Cas, { digest, size, subject }: Stored, time: number): void {
  const known = cas.blobs.get(digest);
  const owners = known?.owners ?? [];
  if (owners.includes(subject)) return;
  cas.blobs.set(digest, { ...known, size, stored: known?.stored ?? time, owners: [...owners, subject] });
  drop(cas, "outputs", digest);
  put(cas, "fresh", digest, time);
}

function made(cas: Cas, digest: string | undefined, worker: string, time: number): void {
  const blob = digest === undefined ? undefined : cas.blobs.get(digest);
  if (digest === undefined || !blob) return;
  const makers = [...new Set([...(blob.makers ?? []), worker])];
  cas.blobs.set(digest, { ...blob, makers });
  if (cas.named.has(digest) || !blob.owners.every((owner) => makers.includes(owner))) return;
  drop(cas, "fresh", digest);
  put(cas, "outputs", digest, time);
}

function use(cas: Cas, digest: string | undefined, time: number): void {
  if (digest === undefined || !cas.blobs.has(digest)) return;
  drop(cas, "outputs", digest);
  put(cas, "named", digest, time);
}

/** What a job keeps is nobody's: its lease opens it, and newer bytes take its place. */
function keep(cas: Cas, { job, worker, digest, before }: Checkpointed, time: number): void {
  cas.checkpoints.set(job, digest);
  const blob = cas.blobs.get(digest);
  if (blob) {
    const owners = blob.owners.filter((owner) => owner !== worker);
    const makers = [...new Set([...(blob.makers ?? []), worker])];
    cas.blobs.set(digest, { ...blob, owners, makers });
    drop(cas, "stale", digest);
    if (owners.length === 0) drop(cas, "fresh", digest);
  }
  if (before !== undefined && before !== digest) letGo(cas, before, "stale", time);
}

/** Nobody needs it any more, unless there is another reason to keep it. */
function letGo(cas: Cas, digest: string, to: "stale" | "outputs", time: number): void {
  if (!cas.blobs.has(digest) || reasons.some((reason) => cas[reason].has(digest))) return;
  if (![...cas.checkpoints.values()].includes(digest)) put(cas, to, digest, time);
}

/** What a job kept last is output of it once it has ended: who submitted it may look at it. */
function endKept(cas: Cas, job: string, time: number): void {
  const digest = cas.checkpoints.get(job);
  if (digest === undefined) return;
  cas.checkpoints.delete(job);
  letGo(cas, digest, "outputs", time);
}

type Checkpointed = {
  readonly job: string;
  readonly worker: string;
  readonly digest: string;
  readonly before?: string;
};
/** Records of before there was a reason do not tell of it. */
type Aged = { readonly [R in Reason]?: readonly string[] } & { readonly more: boolean };
type Submitted = {
  readonly run: { readonly kind: string; readonly what: string };
  readonly stdin: { readonly digest?: string };
};
type Arrayed = Pick<Submitted, "run"> & { readonly inputs: readonly Submitted["stdin"][] };
type Ended = {
  readonly job: string;
  readonly worker: string;
  readonly end: {
    readonly stdout: { readonly digest?: string };
    readonly stderr: { readonly digest?: string };
  };
};

export const events = {
  "stored@1": (cas: Cas, data: Stored, { time }: EventMeta) => stored(cas, data, time),
  "dropped@1": (cas: Cas, { digests }: { digests: readonly string[] }) => {
    for (const digest of digests) {
      for (const reason of reasons) drop(cas, reason, digest);
      cas.blobs.delete(digest);
    }
  },
  "aged@1": (cas: Cas, { more, ...aged }: Aged, { time }: EventMeta) => {
    for (const reason of reasons) for (const digest of aged[reason] ?? []) drop(cas, reason, digest);
    cas.swept.set({ at: time, more });
  },
  /** A job that has not ended names them, however old they are. */
  "kept@1": (cas: Cas, { digests }: { digests: readonly string[] }, { time }: EventMeta) => {
    for (const digest of digests) use(cas, digest, time);
  },
  "policy:retained@1": ({ retention }: Cas, { outputsAge, outputsSize, jobsAge }: Retention) =>
    retention.set({ outputsAge, outputsSize, jobsAge }),
  "jobs:submitted@1": (cas: Cas, { run, stdin }: Submitted, { time }: EventMeta) => {
    if (run.kind === "wasm") use(cas, run.what, time);
    use(cas, stdin.digest, time);
  },
  "jobs:arrayed@1": (cas: Cas, { run, inputs }: Arrayed, { time }: EventMeta) => {
    if (run.kind === "wasm") use(cas, run.what, time);
    for (const { digest } of inputs) use(cas, digest, time);
  },
  "jobs:checkpointed@1": (cas: Cas, data: Checkpointed, { time }: EventMeta) => keep(cas, data, time),
  "jobs:settled@1": (cas: Cas, { job }: { job: string }, { time }: EventMeta) => endKept(cas, job, time),
  "jobs:canceled@1": (cas: Cas, { job }: { job: string }, { time }: EventMeta) => endKept(cas, job, time),
  // However else it ended: then it leaves state some day.
  "jobs:forgotten@1": (cas: Cas, { jobs }: { jobs: readonly string[] }, { time }: EventMeta) => {
    for (const job of jobs) endKept(cas, job, time);
  },
  "jobs:ended@1": (cas: Cas, { job, worker, end }: Ended, { time }: EventMeta) => {
    endKept(cas, job, time);
    made(cas, end.stdout.digest, worker, time);
    made(cas, end.stderr.digest, worker, time);
  },
} as const;

/** Makes events of the blob store. */
export const emit = emitter(events);
