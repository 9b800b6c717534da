import type { EventMeta, Runtime } from "@skep/kernel";
import { containNotify } from "./contain.ts";
import type { Ended, Leased } from "./events.ts";
import { isEnded, type Job, type Jobs, noOutput, type Output } from "./model.ts";
import { leaseLine, resultLine } from "./render.ts";
import type { Revealing, Settled } from "./replicate-model.ts";

/** Room of a worker's inbox, bytes. */
export const inboxBytes = 256 * 1024;
/** Room of a ring of output, bytes. */
export const outputBytes = 1024 * 1024;
/** Room of a ring with a result, bytes: the longest line that a worker may send, and what the hive adds. */
export const resultBytes = 32 * 1024;

/** Where the output of a running job is kept. */
export const outputPath = (job: string, stream: string): string => `/jobs/${job}/${stream}`;
/** Where its result will be. */
export const resultPath = (job: string): string => `/jobs/${job}/result`;

/** What is told live must be whole when the job has ended: small output comes only now. */
function endOutput(runtime: Runtime, path: string, output: Output): void {
  const ring = runtime.known(path);
  if (!ring) return;
  if (output.inline !== undefined) {
    const bytes = Buffer.from(output.inline, "base64");
    if (ring.next < bytes.length) ring.append(bytes.subarray(ring.next));
  }
  runtime.dropRing(path);
}

function endRings(runtime: Runtime, { jobs }: Jobs, job: string, stdout: Output, stderr: Output): void {
  endOutput(runtime, outputPath(job, "stdout"), stdout);
  endOutput(runtime, outputPath(job, "stderr"), stderr);
  const found = jobs.get(job);
  if (found?.end) runtime.known(resultPath(job))?.append(resultLine(found));
  runtime.dropRing(resultPath(job));
  const status = runtime.known(`/jobs/${job}/status`);
  status?.append(Buffer.from("ended\n"));
  runtime.dropRing(`/jobs/${job}/status`);
}

function tellInbox(runtime: Runtime, worker: string, line: string): void {
  runtime.ring(`/worker/${worker}/inbox`, inboxBytes).append(Buffer.from(line));
}

const has = ({ leases }: Job, worker: string): boolean => leases.some((one) => one.worker === worker);

/** Whoever still has a job that ended is told to stop. */
function tellStop(runtime: Runtime, job: Job | undefined): void {
  for (const { worker } of job?.leases ?? [])
    tellInbox(runtime, worker, `${JSON.stringify({ cancel: job?.id })}\n`);
}

/** Jobs that waited for one that did not end well end with it, and no event names them. */
function endDependents(runtime: Runtime, state: Jobs, job: Job | undefined): void {
  if (!job || job.state === "done") return;
  for (const id of job.dependents) {
    const dependent = state.jobs.get(id);
    if (!dependent || !isEnded(dependent.state)) continue;
    endRings(runtime, state, id, noOutput, noOutput);
    endDependents(runtime, state, dependent);
  }
}

function stopAll(runtime: Runtime, state: Jobs, ids: readonly string[]): void {
  for (const id of ids) {
    const job = state.jobs.get(id);
    tellStop(runtime, job);
    endRings(runtime, state, id, noOutput, noOutput);
    endDependents(runtime, state, job);
  }
}

/** Jobs that end by what happened to their workers: no event names them. */
function endLost(runtime: Runtime, state: Jobs): void {
  for (const id of state.ended.keys())
    if (runtime.known(resultPath(id)) ?? runtime.known(outputPath(id, "stdout")))
      endRings(runtime, state, id, noOutput, noOutput);
}

/** What the provider's rings are told, after durability. */
export const notify = {
  ...containNotify,
  "leased@1": ({ job: id, worker, until }: Leased, _meta: EventMeta, runtime: Runtime, state: Jobs) => {
    const job = state.jobs.get(id);
    if (job && !isEnded(job.state) && has(job, worker))
      tellInbox(runtime, worker, leaseLine(job, worker, until, state));
  },
  "reveal@1": ({ job, slow }: Revealing, _meta: EventMeta, runtime: Runtime, state: Jobs) => {
    for (const worker of slow) tellInbox(runtime, worker, `${JSON.stringify({ cancel: job })}\n`);
    for (const { worker, revealed } of state.ballots.get(job)?.seats ?? [])
      if (revealed === 0) tellInbox(runtime, worker, `${JSON.stringify({ reveal: job })}\n`);
  },
  "settled@1": ({ job, end }: Settled, _meta: EventMeta, runtime: Runtime, state: Jobs) => {
    endRings(runtime, state, job, end.stdout, end.stderr);
    endDependents(runtime, state, state.jobs.get(job));
  },
  "unanswered@1": (_told: object, _meta: EventMeta, runtime: Runtime, state: Jobs) => endLost(runtime, state),
  "canceled@1": ({ job: id }: { job: string }, _meta: EventMeta, runtime: Runtime, state: Jobs) => {
    stopAll(runtime, state, [id]);
  },
  "ended@1": ({ job, end }: Ended, _meta: EventMeta, runtime: Runtime, state: Jobs) => {
    tellStop(runtime, state.jobs.get(job));
    endRings(runtime, state, job, end.stdout, end.stderr);
    endDependents(runtime, state, state.jobs.get(job));
  },
  "expired@1": ({ jobs }: { jobs: readonly string[] }, _meta: EventMeta, runtime: Runtime, state: Jobs) => {
    stopAll(runtime, state, jobs);
  },
  "swept@1": ({ jobs }: { jobs: readonly string[] }, _meta: EventMeta, runtime: Runtime, state: Jobs) =>
    stopAll(runtime, state, jobs),
  "lost@1": (_lost: object, _meta: EventMeta, runtime: Runtime, state: Jobs) => endLost(runtime, state),
  "returned@1": (_returned: object, _meta: EventMeta, runtime: Runtime, state: Jobs) =>
    endLost(runtime, state),
  "unstarted@1": (_returned: object, _meta: EventMeta, runtime: Runtime, state: Jobs) =>
    endLost(runtime, state),
  "workers:joined@1": ({ worker }: { worker: string }, _meta: EventMeta, runtime: Runtime, state: Jobs) => {
    endLost(runtime, state);
    // Told again after every hello: the line before may have been lost with a connection or a daemon.
    for (const [id, holders] of state.held.entries()) {
      const job = holders.includes(worker) ? state.jobs.get(id) : undefined;
      if (!job) continue;
      const until = state.capacity.get(worker)?.until ?? 0;
      if (!isEnded(job.state)) tellInbox(runtime, worker, leaseLine(job, worker, until, state));
      else tellInbox(runtime, worker, `${JSON.stringify({ cancel: id })}\n`);
    }
    for (const [id, { phase, seats }] of state.ballots.entries())
      if (phase === "reveal" && seats.some((seat) => seat.worker === worker && seat.revealed === 0))
        tellInbox(runtime, worker, `${JSON.stringify({ reveal: id })}\n`);
  },
};
