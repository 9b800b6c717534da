import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { foldedMounts, openFold } from "@skep/app-skep";
import { Kernel, type Provider } from "@skep/kernel";
import { openFiles, openIndex } from "@skep/storage";

type Fold = ReturnType<typeof openFold>;

const worker = "w-bench";
const perTurn = 200;
const keepEnded = 1000;

const limits = {
  wallMs: 60_000,
  memoryBytes: 134_217_728,
  fuel: "100000000000",
  stdoutBytes: 16_777_216,
  stderrBytes: 16_777_216,
};

const clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (ms: number, act: () => void) => {
    const timer = setTimeout(act, ms);
    return { stop: () => clearTimeout(timer) };
  },
};

/** A provider that folds and does nothing by itself: nothing live stands behind it. */
function quiet({ tick: _1, notify: _2, recorded: _3, opened: _4, ...provider }: Provider): Provider {
  return provider;
}

/** Records between snapshots, as a hive that is not in a hurry has them on a common machine. */
const snapshotEvery = 12_000;

async function openKernel(home: string, fold: Fold | undefined): Promise<Kernel> {
  const index = await openIndex(join(home, "index.sqlite"));
  return Kernel.open({
    files: openFiles(join(home, "hive")),
    index,
    providers: foldedMounts(home, undefined).map(quiet),
    version: "bench",
    clock,
    defer: setImmediate,
    fatal: (error) => {
      throw error;
    },
    chance: () => randomBytes(32).toString("hex"),
    born: () => ({ id: "bench", name: "bench" }),
    ...(fold && { fold: (seq: number) => fold.snapshot(seq), snapshotEvery }),
  });
}

const digest = "5".repeat(64);
// As long as those of real jobs; nothing here is verified again when a journal is folded.
const envelope = {
  version: 1,
  job_id: digest,
  signature: "a".repeat(128),
  result: { note: "r".repeat(900) },
};
const output = { bytes: 12, inline: "ZGxyb1cgLG9sbGVI" };
const end = {
  reason: "exit",
  exit: 0,
  message: "",
  stdout: output,
  stderr: { bytes: 0, inline: "" },
  receipt: envelope,
  verified: true,
  peakBytes: 1_310_720,
};
const run = { kind: "wasm", what: digest, args: [], env: {}, limits, grade: "shared" };

/** Records of one job from its submission to its end, and of the job that leaves state for it. */
function recordJob(kernel: Kernel, ended: string[]): void {
  const event = (type: string, data: object) => ({ events: [{ type, data: data as never }] });
  let job = "";
  kernel.system("jobs", "/jobs/ctl", { op: "submit", manifest: envelope }, ({ next }) => {
    job = String(next);
    const submitted = { job, jobId: digest, signer: digest, run, stdin: output, expires: 0 };
    return event("submitted@1", submitted);
  });
  kernel.system("jobs", "/", { op: "tick" }, ({ now }) =>
    event("leased@1", { job, worker, until: now + 15_000 }),
  );
  ended.push(job);
  const gone = ended.length > keepEnded ? ended.splice(0, 1) : [];
  kernel.system("jobs", `/worker/${worker}/results`, { op: "done", job }, () => ({
    events: [
      { type: "ended@1", data: { job, worker, state: "done", end } as never },
      ...(gone.length > 0 ? [{ type: "forgotten@1", data: { jobs: gone } as never }] : []),
    ],
  }));
}

/**
 * Adds so many ended jobs to the journal of a home that nobody has open: three records each, folded and indexed as
 * they would be while they happen, without sandbox and signatures; with
 * snapshots where they are wanted.
 */
export async function addEndedJobs(
  home: string,
  count: number,
  told: (text: string) => void,
  { snapshots = false }: { readonly snapshots?: boolean } = {},
): Promise<{ readonly records: number }> {
  const fold = snapshots ? openFold(home, told) : undefined;
  const kernel = await openKernel(home, fold);
  kernel.system("workers", `/worker/${worker}/ctl`, { op: "hello" }, () => ({
    events: [
      {
        type: "joined@1",
        data: {
          worker,
          incarnation: "bench-0001",
          session: "s0",
          key: digest,
          slots: 1024,
          kinds: ["wasm"],
          grades: ["shared"],
          layers: [],
          version: "",
          clockOffset: 0,
        } as never,
      },
    ],
  }));
  const ended: string[] = [];
  for (let at = 0; at < count; ) {
    for (const until = Math.min(count, at + perTurn); at < until; at += 1) recordJob(kernel, ended);
    await kernel.settled();
    await kernel.snapshots.idle();
    if (at % 50_000 === 0) told(`${at} jobs written`);
  }
  const records = kernel.journal.next;
  await kernel.close();
  await fold?.close();
  return { records };
}
