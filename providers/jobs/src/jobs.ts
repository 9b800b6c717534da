import {
  type Blobs,
  type Build,
  defineProvider,
  type Json,
  type JournalRecord,
  type Node,
  type Provider,
  type Scene,
} from "@skep/kernel";
import { printJson } from "@skep/text";
import { jobActs, resultActs } from "./acts.ts";
import { Beats, namedIn, unwanted } from "./beats.ts";
import { decideJob, decideResult } from "./decide.ts";
import { type Ended, events, type Forgotten } from "./events.ts";
import { forget, nextForgotten } from "./forget.ts";
import { fault } from "./faults.ts";
import { inboxBytes, notify } from "./live.ts";
import { isEnded, type Jobs, listEnded, listEndedBriefly } from "./model.ts";
import { arraySpec, arrayStatus, arrayWhy, partsOf } from "./render-array.ts";
import { specJson, statusJson, statusText, textOf } from "./render.ts";
import { due, nextDue } from "./schedule.ts";
import { JobCommand, ResultCommand } from "./schema.ts";
import { receiptText, type Signs } from "./replicate-render.ts";
import type { Settled } from "./replicate-model.ts";
import { trustNodes } from "./replicate-trust.ts";
import { storedSource, wholeSource } from "./source.ts";
import type { JobLimits, Uses } from "./uses.ts";
import { initial, Views } from "./views.ts";
import { type Chain, touches, whyJson, whyOf } from "./why.ts";

/** What the app passes in. */
export interface JobsDeps {
  readonly blobs: Blobs;
  readonly limits: JobLimits;
  /** A record of the journal, for jobs that left state. */
  record(seq: number): Promise<JournalRecord | undefined>;
  /** How long ended jobs stay in state while `/policy/ctl` says nothing, milliseconds; as long as they fit where left out. */
  readonly keepEndedMs?: number;
  /** True where a ledger offers its view: what was given then orders work. */
  readonly ledger?: boolean;
  /** Signs verdicts for the hive, so that what it says of owners can be held against it. */
  readonly signs?: Signs;
  /** The chain of records from a ticket to what became of it, where the app connects what knows it. */
  readonly chain?: Chain;
  /** Where it is kept when workers were heard of, for whoever ends the sessions of silent ones. */
  readonly beats?: Beats;
  /** Sequence of the record that ended a job, from the index. */
  ended(job: string): Promise<number | undefined>;
}

/** What others may ask: whether a lease opens a digest to a worker. */
export interface LeasesView {
  opens(subject: string, digest: string): boolean;
  /** Every digest that a queued or running job names. */
  named(): ReadonlySet<string>;
}

/** Digests that live jobs name. */
function namedBy({ jobs, kept }: Jobs): ReadonlySet<string> {
  const named = new Set<string>();
  for (const { run, stdin, state, dependents, end } of jobs.values()) {
    // The output of a job that others wait for becomes their input.
    if (dependents.length > 0 && end?.stdout.digest !== undefined) named.add(end.stdout.digest);
    if (isEnded(state)) continue;
    if (run.kind === "wasm") named.add(run.what);
    if (stdin.digest !== undefined) named.add(stdin.digest);
  }
  for (const [id, { digest }] of kept.entries()) {
    const job = jobs.get(id);
    if (job && !isEnded(job.state)) named.add(digest);
  }
  return named;
}

/** Whether it is the last that a job kept, for who submitted it, and what it goes on from, for who has it. */
function isKeptFor({ jobs, kept }: Jobs, subject: string, digest: string): boolean {
  for (const [id, last] of kept.entries()) {
    const job = jobs.get(id);
    if (!job) continue;
    if (last.digest === digest && job.owner === subject) return true;
    if (isEnded(job.state)) continue;
    for (const { worker, from } of job.leases)
      if (worker === subject && (last.digest === digest || from?.digest === digest)) return true;
  }
  return false;
}

function leasesOf(state: Jobs): LeasesView {
  return {
    opens: (subject, digest) =>
      isKeptFor(state, subject, digest) ||
      [...state.held.entries()].some(([id, workers]) => {
        const job = workers.includes(subject) ? state.jobs.get(id) : undefined;
        return (
          job !== undefined && !isEnded(job.state) && (job.run.what === digest || job.stdin.digest === digest)
        );
      }),
    named: () => namedBy(state),
  };
}

/** `/jobs/<id>`: one job, or the figures of an array. */
function jobDir(t: Build<Jobs, Uses>, views: Views, deps: JobsDeps): Node {
  return t.dir("One job", {
    spec: t.text("What was asked to run, as JSON", {
      render: (scene) =>
        views.withAny(
          scene,
          (job) => `${printJson(specJson(job))}\n`,
          (array) => `${printJson(arraySpec(array))}\n`,
        ),
    }),
    status: t.text("State, exit code and times", {
      render: (scene) =>
        views.withAny(
          scene,
          (job) => statusText(job, scene),
          (array) => textOf(arrayStatus(array)),
        ),
      json: (scene) =>
        views.withAny(
          scene,
          (job): Json => statusJson(job, scene),
          (array): Json => ({ ...arrayStatus(array), parts: partsOf(array) }),
        ),
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
    receipt: t.text(
      "The receipt as the worker signed it, as JSON, or the verdict on several with their receipts; empty without one",
      {
        render: (scene) =>
          views.with(scene, async (job) => receiptText(job, await views.verdict(job, scene), deps)),
      },
    ),
    why: t.text("Why it waits, where it runs, or how it ended, and which records led there", {
      render: (scene) =>
        views.withAny<string>(
          scene,
          (job) => whyOf(job, scene, deps),
          (array) => arrayWhy(array, scene),
        ),
      json: (scene) =>
        views.withAny<Json>(
          scene,
          (job) => whyJson(job, scene, deps),
          (array) => ({ why: arrayWhy(array, scene).trimEnd() }),
        ),
    }),
  });
}

/** What is told by the events themselves, and that a worker that got work is expected to be heard of. */
function notifying(beats: Beats) {
  return {
    ...notify,
    "workers:joined@1": (...told: Parameters<(typeof notify)["workers:joined@1"]>) => {
      beats.joined(told[0].worker);
      notify["workers:joined@1"](...told);
    },
    "leased@1": (...told: Parameters<(typeof notify)["leased@1"]>) => {
      beats.expect(told[0].worker, told[1].time);
      notify["leased@1"](...told);
    },
  };
}

type At = Scene<Jobs, Uses>;

/** A worker tells that it lives and what it has; what it should not have any more it is told to stop. */
function heard(bytes: Uint8Array, { state, params, caller, now, ring }: At, beats: Beats): number {
  const worker = params.id ?? "";
  if (caller.subject !== worker) throw fault.worker(worker);
  if (!state.capacity.has(worker)) throw fault.joined(worker);
  beats.hear(worker, now);
  for (const cancel of unwanted(state, worker, namedIn(bytes)))
    ring(`/worker/${worker}/inbox`, inboxBytes).append(Buffer.from(`${JSON.stringify({ cancel })}\n`));
  return bytes.length;
}

/** `/worker/<id>/beat`. */
function beatNode(t: Build<Jobs, Uses>, beats: Beats): Node {
  return t.stream(
    "That a worker lives: every 5 s while it has work it appends the numbers of its jobs; no record is made of it",
    {
      visible: ({ caller, params }) => caller.subject === params.id,
      source: ({ params }) => wholeSource(Buffer.from(`${beats.last(params.id ?? "") ?? ""}\n`)),
      append: (bytes, scene) => heard(bytes, scene, beats),
    },
  );
}

/** `/jobs`: signed work, its output, its receipts; and the inbox and results of workers. */
export function jobsProvider(deps: JobsDeps): Provider {
  const { keepEndedMs = Number.POSITIVE_INFINITY, beats = new Beats() } = deps;
  const views = new Views(deps);
  const keep = (state: Jobs): number => state.keepEndedMs.get() ?? keepEndedMs;
  return defineProvider<Jobs, Uses>({
    name: "jobs",
    doc: "Work, its output and its receipts",
    uses: ["cas", "workers", "members", ...(deps.ledger ? ["ledger"] : [])],
    initial,
    events,
    notify: notifying(beats) as never,
    opened: (state) => beats.watch(state),
    index: {
      "ended@1": ({ job }: Ended, { seq }) => ({ kind: "job", key: job, seq }),
      "settled@1": ({ job }: Settled, { seq }) => ({ kind: "job", key: job, seq }),
      "canceled@1": ({ job }: { job: string }, { seq }) => ({ kind: "job", key: job, seq }),
      "forgotten@1": ({ told }: Forgotten, { seq }) =>
        Object.keys(told ?? {}).map((job) => ({ kind: "job", key: job, seq })),
    },
    touches,
    offers: { leases: leasesOf },
    tick: {
      next: (state) => {
        const forgotten = nextForgotten(state, keep(state)) ?? Number.POSITIVE_INFINITY;
        const next = Math.min(nextDue(state) ?? Number.POSITIVE_INFINITY, forgotten);
        return next === Number.POSITIVE_INFINITY ? undefined : next;
      },
      decide: (deciding) => forget(deciding.state, keep(deciding.state), deciding.now, due(deciding)),
    },
    mounts: (t) => ({
      ...trustNodes(t),
      "/worker/:id/beat": beatNode(t, beats),
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
          list: (scene) => views.list(scene, listEnded),
          brief: (scene) => views.list(scene, listEndedBriefly),
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
                '{"op":"submit","run":{"kind":"task","name":"add","where":{"labels":["gpu"]},"priority":5},"needs":["17"],"stdin":{"job":"17"}}',
                '{"op":"cancel","job":"17"}',
              ],
              decide: (command, at) => decideJob(command, at, deps.limits),
            }),
          },
        },
        jobDir(t, views, deps),
      ),
    }),
  });
}
