import { createHash } from "node:crypto";
import {
  type Blobs,
  type Caller,
  defineProvider,
  type EventMeta,
  type Json,
  type JournalRecord,
  type Provider,
  type Scene,
  type Scope,
  State,
  type StreamSource,
} from "@skep/kernel";
import { printJson } from "@skep/text";
import { jobActs, resultActs } from "./acts.ts";
import { emit, type Ended, events, type Forgotten, toldEnd } from "./events.ts";
import { fault } from "./faults.ts";
import { forget, nextForgotten } from "./forget.ts";
import { isEnded, type Job, type Jobs, leaseMs, listEnded } from "./model.ts";
import { resultLine, specJson, statusJson, statusText } from "./render.ts";
import { type Chain, touches, whyJson, whyOf } from "./why.ts";
import { notify, outputBytes, outputPath, resultBytes, resultPath } from "./live.ts";
import { done, due, giveBack } from "./result.ts";
import { JobCommand, ResultCommand } from "./schema.ts";
import { storedSource, wholeSource } from "./source.ts";
import { type JobLimits, submit, type Uses } from "./submit.ts";

/** What the app passes in. */
export interface JobsDeps {
  readonly blobs: Blobs;
  readonly limits: JobLimits;
  /** A record of the journal, for jobs that left state. */
  record(seq: number): Promise<JournalRecord | undefined>;
  /** How long ended jobs stay in state, milliseconds; as long as they fit where left out. */
  readonly keepEndedMs?: number;
  /** The chain of records from a ticket to what became of it, where the app connects what knows it. */
  readonly chain?: Chain;
  /** Sequence of the record that ended a job, from the index. */
  ended(job: string): Promise<number | undefined>;
}

/** What others may ask: whether a lease opens a digest to a worker. */
export interface LeasesView {
  opens(subject: string, digest: string): boolean;
  /** Every digest that a queued or running job names. */
  named(): ReadonlySet<string>;
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

function initial(scope: Scope): Jobs {
  return {
    jobs: scope.table("jobs"),
    queue: scope.table("queue"),
    running: scope.table("running"),
    ended: scope.table("ended"),
    manifests: scope.table("manifests"),
    capacity: scope.table("capacity"),
    idle: scope.table("idle"),
    check: scope.cell("check", 0),
  };
}

function sees({ role, subject }: Caller, job: Job): boolean {
  if (role === "queen" || role === "observer" || job.owner === subject) return true;
  return job.worker === subject && !isEnded(job.state);
}

type AnyFold = (jobs: Jobs, data: unknown, meta: EventMeta) => void;

/** Folds what a record says of one job, and of nothing else. */
function foldJob(slice: Jobs, id: string, record: JournalRecord): void {
  const meta: EventMeta = { seq: record.seq, time: record.time, subject: record.subject };
  for (const { t, d } of record.events) {
    const name = t.replace(/^jobs:/, "");
    const fold = (events as unknown as Record<string, AnyFold>)[name];
    if (fold && (d as { job?: string }).job === id) fold(slice, d, meta);
    const end = name === "forgotten@1" ? (d as unknown as Forgotten).told?.[id] : undefined;
    const job = slice.jobs.get(id);
    if (end && job) slice.jobs.set(id, { ...job, state: end.state, endedAt: end.at, end: toldEnd(end) });
  }
}

function holder(record: JournalRecord, id: string): string {
  const event = record.events.find(({ t, d }) => t === "jobs:ended@1" && (d as Ended).job === id);
  return event ? (event.d as unknown as Ended).worker : "";
}

/** Rebuilds a job that left state from the records that made and ended it. */
async function archived(deps: JobsDeps, id: string): Promise<Job | undefined> {
  const end = await deps.ended(id);
  if (end === undefined) return undefined;
  const [made, ended] = await Promise.all([deps.record(Number(id)), deps.record(end)]);
  if (!made || !ended) return undefined;
  const slice = initial(new State().scope("jobs"));
  foldJob(slice, id, made);
  foldJob(slice, id, ended);
  const job = slice.jobs.get(id);
  return job && { ...job, worker: job.worker || holder(ended, id) };
}

type At = Scene<Jobs, Uses>;

class Views {
  readonly #deps: JobsDeps;

  constructor(deps: JobsDeps) {
    this.#deps = deps;
  }

  has(id: string, { state, caller }: At): boolean | Promise<boolean> {
    const job = state.jobs.get(id);
    if (job) return sees(caller, job);
    if (!/^\d{1,15}$/.test(id)) return false;
    return archived(this.#deps, id).then((found) => found !== undefined && sees(caller, found));
  }

  // Asked here again: a worker that walked to its job may come back when it is no longer its own.
  with<T>({ state, params, caller }: At, act: (job: Job) => T | Promise<T>): T | Promise<T> {
    const id = params.id ?? "";
    const seen = (job: Job | undefined): T | Promise<T> => {
      if (!job || !sees(caller, job)) throw fault.unknown(id);
      return act(job);
    };
    const job = state.jobs.get(id);
    return job ? seen(job) : archived(this.#deps, id).then(seen);
  }

  output(scene: At, which: "stdout" | "stderr"): StreamSource | Promise<StreamSource> {
    return this.with(scene, (job) => {
      const stored = job.end?.[which];
      if (isEnded(job.state) && stored) return storedSource(stored, this.#deps.blobs);
      return scene.ring(outputPath(job.id, which), outputBytes);
    });
  }

  result(scene: At): StreamSource | Promise<StreamSource> {
    return this.with(scene, (job) =>
      isEnded(job.state) ? wholeSource(resultLine(job)) : scene.ring(resultPath(job.id), resultBytes),
    );
  }

  append(bytes: Uint8Array, { state, params, caller, ring }: At, which: "stdout" | "stderr"): number {
    const id = params.id ?? "";
    const job = state.jobs.get(id);
    if (job?.worker !== caller.subject || isEnded(job.state)) throw fault.holder(id);
    ring(outputPath(id, which), outputBytes).append(bytes);
    return bytes.length;
  }

  list({ state, caller }: At): string[] {
    const ended = [...state.ended.keys()].slice(-listEnded);
    const live = [...state.jobs.values()].filter((job) => !isEnded(job.state)).map(({ id }) => id);
    const seen = [...ended, ...live].filter((id) => {
      const job = state.jobs.get(id);
      return job !== undefined && sees(caller, job);
    });
    return seen.sort((one, other) => Number(one) - Number(other));
  }
}

function decideJob(command: JobCommand, at: Parameters<typeof submit>[1], limits: JobLimits) {
  if (command.op === "submit") return submit(command, at, limits, sha256);
  const job = at.state.jobs.get(command.job);
  if (!job || !sees(at.caller, job) || (at.caller.role !== "queen" && job.owner !== at.caller.subject))
    throw fault.unknown(command.job);
  if (isEnded(job.state)) throw fault.ended(job.id);
  return { events: [emit("canceled@1", { job: job.id, by: at.caller.subject })], result: { job: job.id } };
}

function decideResult(command: ResultCommand, at: Parameters<typeof submit>[1]) {
  const worker = at.params.id ?? "";
  if (at.caller.subject !== worker) throw fault.worker(worker);
  if (command.op === "done") return done(command, worker, at);
  if (command.op === "return") return giveBack(command, worker, at);
  if (!at.state.capacity.has(worker)) throw fault.joined(worker);
  return { events: [emit("renewed@1", { worker, until: at.now + leaseMs })] };
}

/** Digests that live jobs name. */
function namedBy({ jobs, queue, running }: Jobs): ReadonlySet<string> {
  const named = new Set<string>();
  for (const ids of [queue.keys(), running.keys()])
    for (const id of ids) {
      const { run, stdin } = jobs.get(id) ?? {};
      if (run?.kind === "wasm") named.add(run.what);
      if (stdin?.digest !== undefined) named.add(stdin.digest);
    }
  return named;
}

function leasesOf(state: Jobs): LeasesView {
  return {
    opens: (subject, digest) =>
      [...state.running.entries()].some(([id, worker]) => {
        const job = worker === subject ? state.jobs.get(id) : undefined;
        return job !== undefined && (job.run.what === digest || job.stdin.digest === digest);
      }),
    named: () => namedBy(state),
  };
}

/** `/jobs`: signed work, its output, its receipts; and the inbox and results of workers. */
export function jobsProvider(deps: JobsDeps): Provider {
  const { keepEndedMs = Number.POSITIVE_INFINITY } = deps;
  const views = new Views(deps);
  return defineProvider<Jobs, Uses>({
    name: "jobs",
    doc: "Work, its output and its receipts",
    uses: ["cas", "workers"],
    initial,
    events,
    notify: notify as never,
    index: {
      "ended@1": ({ job }: Ended, { seq }) => ({ kind: "job", key: job, seq }),
      "canceled@1": ({ job }: { job: string }, { seq }) => ({ kind: "job", key: job, seq }),
      "forgotten@1": ({ told }: Forgotten, { seq }) =>
        Object.keys(told ?? {}).map((job) => ({ kind: "job", key: job, seq })),
    },
    touches,
    offers: { leases: leasesOf },
    tick: {
      next: (state) => {
        const { queue, idle, check } = state;
        if (queue.size > 0 && idle.size > 0) return 0;
        const forgotten = nextForgotten(state, keepEndedMs) ?? Number.POSITIVE_INFINITY;
        const next = Math.min(check.get() || Number.POSITIVE_INFINITY, forgotten);
        return next === Number.POSITIVE_INFINITY ? undefined : next;
      },
      decide: (deciding) => forget(deciding.state, keepEndedMs, deciding.now, due(deciding)),
    },
    mounts: (t) => ({
      "/worker/:id/results": t.control(
        "Results of leased jobs, and renewal of leases; one JSON object per line",
        {
          input: ResultCommand,
          undo: "compensable",
          acts: resultActs,
          visible: ({ caller, params }) => caller.subject === params.id,
          outcome: true,
          examples: [
            '{"op":"done","job":"17","exit":0,"stdout":{"bytes":3,"inline":"aGkK"}}',
            '{"op":"renew"}',
          ],
          decide: decideResult,
        },
      ),
      "/jobs": t.each(
        "Work of the caller: one directory for each job, named by its record",
        "id",
        {
          list: (scene) => views.list(scene),
          has: (id, scene) => views.has(id, scene),
          entries: {
            ctl: t.control("Submit or cancel a job; one JSON object per line", {
              input: JobCommand,
              right: "submit",
              undo: "compensable",
              acts: jobActs,
              work: (command) => command.op === "submit",
              examples: [
                '{"op":"submit","run":{"kind":"wasm","module":"<sha256>","args":["a"]},"stdin":{"inline":"aGk="}}',
                '{"op":"cancel","job":"17"}',
              ],
              decide: (command, at) => decideJob(command, at, deps.limits),
            }),
          },
        },
        t.dir("One job", {
          spec: t.text("What was asked to run, as JSON", {
            render: (scene) => views.with(scene, (job) => `${printJson(specJson(job))}\n`),
          }),
          status: t.text("State, exit code and times", {
            render: (scene) => views.with(scene, statusText),
            json: (scene) => views.with(scene, (job) => statusJson(job) as Json),
          }),
          stdin: t.stream("Input of the job", {
            source: (scene) => views.with(scene, ({ stdin }) => storedSource(stdin, deps.blobs)),
          }),
          stdout: t.stream("Standard output", {
            source: (scene) => views.output(scene, "stdout"),
            append: (bytes, scene) => views.append(bytes, scene, "stdout"),
          }),
          stderr: t.stream("Standard error", {
            source: (scene) => views.output(scene, "stderr"),
            append: (bytes, scene) => views.append(bytes, scene, "stderr"),
          }),
          result: t.stream(
            "How it ended: status, output that is short, and receipt, as one JSON line when it has",
            {
              source: (scene) => views.result(scene),
            },
          ),
          receipt: t.text("The receipt as the worker signed it, as JSON; empty without one", {
            render: (scene) =>
              views.with(scene, ({ end }) => (end?.receipt ? `${printJson(end.receipt)}\n` : "")),
          }),
          why: t.text("Why it waits, where it runs, or how it ended, and which records led there", {
            render: (scene) => views.with(scene, (job) => whyOf(job, scene, deps)),
            json: (scene) => views.with(scene, (job) => whyJson(job, scene, deps)),
          }),
        }),
      ),
    }),
  });
}
