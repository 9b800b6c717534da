import type { Facts, HiveState } from "./hive.ts";
import { type Job, jobOf, reasonOf } from "./model.ts";
import type { Recorded } from "./recording.ts";

type Fold = (state: HiveState, data: Facts, record: Recorded) => void;

const idsOf = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(String) : []);

function change(state: HiveState, id: unknown, more: Partial<Job>): void {
  const job = state.jobs.get(String(id));
  if (job) state.setJob({ ...job, ...more });
}

function queue(state: HiveState, id: string, { jobId }: Facts, { subject, time }: Recorded): void {
  state.setJob(jobOf(id, { state: "queued", owner: subject, submitted_ms: time, job_id: jobId }));
}

const back: Fold = (state, { job, reason }) =>
  change(state, job, { state: "queued", worker: "", started: 0, reason: String(reason ?? "") });

const ended: Fold = (state, { job, worker, state: last, end }, { time }) => {
  const { exit, reason, message } = (end ?? {}) as Facts;
  change(state, job, {
    state: String(last ?? "done"),
    worker: String(worker ?? state.jobs.get(String(job))?.worker ?? ""),
    ended: time,
    exit: typeof exit === "number" ? exit : undefined,
    reason: String(reason ?? ""),
    message: String(message ?? ""),
  });
};

const endAll =
  (last: string): Fold =>
  (state, { jobs }, { time }) => {
    for (const id of idsOf(jobs)) change(state, id, { state: last, ended: time });
  };

const patch = (state: HiveState, id: unknown, more: Facts): void => {
  const machine = state.machines.get(String(id));
  if (machine) state.setInfo(machine.id, { ...machine.info, ...more });
};

/** What the page makes of each event; events of other parts of a hive change nothing that is drawn. */
const folds: Readonly<Record<string, Fold>> = {
  "kernel:started": (state) => {
    for (const id of state.machines.keys()) patch(state, id, { present: false });
  },
  "kernel:lifecycle": (state, { state: now, reason }) => {
    state.setFact("/proc/lifecycle/state.json", { state: now });
    state.setFact("/proc/lifecycle/reason.json", { reason });
  },
  "workers:joined": (state, { worker, ...data }, { time }) => {
    state.addMachine(String(worker));
    patch(state, worker, { owner: {}, ...data, id: worker, since: time, present: true });
  },
  "workers:owner": (state, { worker, ...owner }) => patch(state, worker, { owner }),
  "workers:left": (state, { worker }) => patch(state, worker, { present: false }),
  "jobs:submitted": (state, data, record) => queue(state, String(data.job), data, record),
  "jobs:arrayed": (state, data, record) => {
    const first = Number(data.first ?? 0);
    const { length } = idsOf(data.inputs);
    for (let at = 0; at < length; at += 1) queue(state, `${String(data.array)}.${first + at}`, data, record);
  },
  "jobs:leased": (state, { job, worker }, { time }) => {
    const tries = (state.jobs.get(String(job))?.tries ?? 0) + 1;
    change(state, job, { state: "leased", worker: String(worker), started: time, tries });
  },
  "jobs:ended": ended,
  "jobs:settled": ended,
  "jobs:canceled": (state, { job, by }, { time }) =>
    change(state, job, { state: "canceled", ended: time, reason: `by ${String(by)}` }),
  "jobs:returned": back,
  "jobs:unstarted": back,
  "jobs:lost": (state, { workers }) => {
    const gone = new Set(idsOf(workers));
    for (const job of state.jobs.values())
      if (job.ended === 0 && gone.has(job.worker)) back(state, { job: job.id, reason: "lost" }, none);
  },
  "jobs:expired": endAll("expired"),
  "jobs:swept": endAll("lost"),
};

const none: Recorded = {
  seq: 0,
  time: 0,
  subject: "",
  path: "",
  verdict: "",
  code: "",
  message: "",
  count: 1,
  command: undefined,
  events: [],
};

/** Takes a record into a state, as the live trace would have told it. */
export function foldRecord(state: HiveState, record: Recorded): void {
  for (const { type, data } of record.events) {
    // The scene flies and glows by the same events as on a live hive.
    state.event({ seq: record.seq, event: type, data });
    folds[type.split("@")[0] ?? ""]?.(state, data, record);
  }
  if (record.verdict === "") return;
  const { seq, time, subject, path, verdict, code, message, count, command } = record;
  state.traced({ seq, time, subject, path, verdict, code, message, count, command });
  if (verdict !== "refused") return;
  const reason = reasonOf(code);
  const before = state.pressure.get(reason) ?? 0;
  state.setFact(`/proc/pressure/${reason}.json`, { [reason]: before + count });
}
