import {
  type Blobs,
  type Caller,
  type EventMeta,
  type JournalRecord,
  type Scene,
  type Scope,
  State,
  type StreamSource,
} from "@skep/kernel";
import { recordOf } from "./arrays.ts";
import { contained } from "./bans.ts";
import { type Ended, events, type Forgotten, toldEnd } from "./events.ts";
import { fault } from "./faults.ts";
import { outputBytes, outputPath, resultBytes, resultPath } from "./live.ts";
import { isEnded, type Job, type JobArray, type Jobs } from "./model.ts";
import { resultLine } from "./render.ts";
import { agreement, type Settled, type Verdict } from "./replicate-model.ts";
import { storedSource, wholeSource } from "./source.ts";
import type { Uses } from "./uses.ts";

/** Where jobs are found that left state. */
export interface Archive {
  readonly blobs: Blobs;
  /** A record of the journal. */
  record(seq: number): Promise<JournalRecord | undefined>;
  /** Sequence of the record that ended a job, from the index. */
  ended(job: string): Promise<number | undefined>;
}

export function initial(scope: Scope): Jobs {
  return {
    jobs: scope.table("jobs"),
    queue: scope.table("queue"),
    lanes: scope.table("lanes"),
    held: scope.table("held"),
    usage: scope.table("usage"),
    took: scope.table("took"),
    deadlines: scope.table("deadlines"),
    arrays: scope.table("arrays"),
    sweeping: scope.table("sweeping"),
    kept: scope.table("kept"),
    turn: scope.cell("turn", 0),
    ended: scope.table("ended"),
    manifests: scope.table("manifests"),
    capacity: scope.table("capacity"),
    idle: scope.table("idle"),
    check: scope.cell("check", 0),
    halted: scope.cell("halted", false),
    keepEndedMs: scope.cell<number | null>("keep-ended-ms", null),
    ...agreement(scope),
    ...contained(scope),
  };
}

/** Who finds that there is such a job. */
export function sees({ role, subject }: Caller, job: Job | JobArray): boolean {
  if (role === "queen" || role === "observer" || job.owner === subject) return true;
  if ("counts" in job) return false;
  return !isEnded(job.state) && job.leases.some(({ worker }) => worker === subject);
}

type AnyFold = (jobs: Jobs, data: unknown, meta: EventMeta) => void;

/** Folds what a record says of one job, and of nothing else. */
function foldJob(slice: Jobs, id: string, record: JournalRecord): void {
  const meta: EventMeta = { seq: record.seq, time: record.time, subject: record.subject };
  for (const { t, d } of record.events) {
    const name = t.replace(/^jobs:/, "");
    const fold = (events as unknown as Record<string, AnyFold>)[name];
    if (fold && ((d as { job?: string }).job === id || name === "arrayed@1")) fold(slice, d, meta);
    const end = name === "forgotten@1" ? (d as unknown as Forgotten).told?.[id] : undefined;
    const job = slice.jobs.get(id);
    if (end && job)
      slice.jobs.set(id, {
        ...job,
        state: end.state,
        endedAt: end.at,
        end: toldEnd(end.reason, end.message),
      });
  }
}

function holder(record: JournalRecord, id: string): string {
  const ends = new Set(["jobs:ended@1", "jobs:settled@1"]);
  const event = record.events.find(({ t, d }) => ends.has(t) && (d as Ended | Settled).job === id);
  return event ? (event.d as unknown as Ended | Settled).worker : "";
}

/** Rebuilds a job that left state from the records that made and ended it. */
async function archived(deps: Archive, id: string): Promise<Job | undefined> {
  const end = await deps.ended(id);
  if (end === undefined) return undefined;
  const [made, ended] = await Promise.all([deps.record(recordOf(id)), deps.record(end)]);
  if (!made || !ended) return undefined;
  const slice = initial(new State().scope("jobs"));
  foldJob(slice, id, made);
  foldJob(slice, id, ended);
  const job = slice.jobs.get(id);
  return job && { ...job, worker: job.worker || holder(ended, id) };
}

type At = Scene<Jobs, Uses>;

/** What is read of jobs. */
export class Views {
  readonly #deps: Archive;

  constructor(deps: Archive) {
    this.#deps = deps;
  }

  has(id: string, { state, caller }: At): boolean | Promise<boolean> {
    const job = state.jobs.get(id) ?? state.arrays.get(id);
    if (job) return sees(caller, job);
    if (!/^\d{1,15}(\.\d{1,4})?$/.test(id)) return false;
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
    if (job) return seen(job);
    const array = state.arrays.get(id);
    if (array && sees(caller, array)) throw fault.array(id);
    return archived(this.#deps, id).then(seen);
  }

  /** The same, of what arrays have too. */
  withAny<T>(
    scene: At,
    ofJob: (job: Job) => T | Promise<T>,
    ofArray: (array: JobArray) => T,
  ): T | Promise<T> {
    const array = scene.state.arrays.get(scene.params.id ?? "");
    return array && sees(scene.caller, array) ? ofArray(array) : this.with(scene, ofJob);
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
    if (!job?.leases.some(({ worker }) => worker === caller.subject) || isEnded(job.state))
      throw fault.holder(id);
    // Two of the same would be mixed: what is shown is that of the first.
    if (job.worker === caller.subject) ring(outputPath(id, which), outputBytes).append(bytes);
    return bytes.length;
  }

  /** What came of several answers to a job; undefined where one machine answered. */
  async verdict({ id }: Job, { state }: Pick<At, "state">): Promise<Verdict | undefined> {
    if (state.jobs.has(id)) return state.verdicts.get(id);
    const end = await this.#deps.ended(id);
    const record = end === undefined ? undefined : await this.#deps.record(end);
    const event = record?.events.find(
      ({ t, d }) => t === "jobs:settled@1" && (d as { job?: string }).job === id,
    );
    return (event?.d as unknown as Settled | undefined)?.verdict;
  }

  /** Jobs that live, and so many of those that ended, newest last. */
  list({ state, caller }: At, most: number): string[] {
    const ended = [...state.ended.keys()].slice(-most);
    const live = [...state.jobs.values()].filter((job) => !isEnded(job.state)).map(({ id }) => id);
    const seen = [...ended, ...live].filter((id) => {
      const job = state.jobs.get(id);
      // Those of an array are found by their numbers, which it tells.
      return job !== undefined && job.array === "" && sees(caller, job);
    });
    const arrays = [...state.arrays.values()].filter((array) => sees(caller, array));
    const shown = arrays.filter(({ endedAt }) => endedAt === 0).concat(arrays.slice(-most));
    const names = new Set([...seen, ...shown.map(({ id }) => id)]);
    return [...names].sort((one, other) => Number(one) - Number(other));
  }
}
