import { createHash } from "node:crypto";
import type { Emitted, Json, Kernel } from "@skep/kernel";

/** What a big hive is to have lived through. */
export interface Past {
  readonly workers: number;
  readonly jobs: number;
  /** Records in all, at least; what workers and jobs do not need is renewals of leases. */
  readonly records: number;
}

/** What was written. */
export interface Filled {
  readonly records: number;
  readonly workers: readonly string[];
  /** Ids of some ended jobs, oldest first: all but the newest thousand have left state. */
  readonly jobs: readonly string[];
}

/** Ended jobs that state keeps, as the provider of jobs has it. */
const kept = 1000;
/** Records between two waits for the disk. */
const group = 2048;

const hash = (text: string): string => createHash("sha256").update(text).digest("hex");
const inline = (text: string): Json => ({
  bytes: Buffer.byteLength(text),
  inline: Buffer.from(text).toString("base64"),
});
const limits = {
  wallMs: 60_000,
  memoryBytes: 134_217_728,
  fuel: "100000000000",
  stdoutBytes: 1_048_576,
  stderrBytes: 1_048_576,
};

function joined(worker: string): Emitted {
  const data = {
    worker,
    incarnation: hash(`incarnation ${worker}`).slice(0, 32),
    session: "s0",
    key: hash(`key ${worker}`),
    slots: 2,
    kinds: ["wasm"],
    grades: ["fresh", "shared"],
    layers: ["process", "permissions", "limits"],
    version: "0.1.0",
    clockOffset: 0,
  };
  return { type: "joined@1", data };
}

// As large as the receipt of a small job, and signed by nobody: state and journal do not verify.
function receipt(jobId: string): Json {
  return {
    schema_version: 1,
    payload: {
      job_id: jobId,
      output_commitment: hash(`output ${jobId}`),
      output_chunk_count: 1,
      completion: "stop",
      completed_at: "2026-01-01T00:00:00.000000000Z",
      extra: { module_hash: `sha256:${hash("module")}`, exit_code: "0", worker: "w-000000000000" },
    },
    signer_pubkey: hash(`signer ${jobId}`),
    signature: hash(`a ${jobId}`) + hash(`b ${jobId}`),
  };
}

/** Writes a long past into an open kernel by decisions of the system. */
class Filler {
  readonly #kernel: Kernel;
  readonly #past: Past;
  readonly #workers: string[] = [];
  readonly #jobs: string[] = [];
  #ended = 0;

  constructor(kernel: Kernel, past: Past) {
    this.#kernel = kernel;
    this.#past = past;
  }

  #write(
    provider: string,
    path: string,
    command: Json,
    events: (next: number, now: number) => Emitted[],
  ): void {
    this.#kernel.system(provider, path, command, ({ next, now }) => ({ events: events(next, now) }));
  }

  #join(at: number): void {
    const worker = `w-${String(at).padStart(12, "0")}`;
    this.#workers.push(worker);
    this.#write("workers", `/worker/${worker}/ctl`, { op: "hello" }, () => [joined(worker)]);
  }

  #submit(worker: string, text: string): string {
    let job = "";
    const stdin = inline(text);
    const run = { kind: "wasm", module: hash("module"), args: ["reverse"] };
    this.#write("jobs", "/jobs/ctl", { op: "submit", run, stdin }, (next, now) => {
      job = String(next);
      const { kind, module: what, args } = run;
      const made = { kind, what, args, env: {}, limits, grade: "shared" };
      const told = { job, jobId: hash(`job ${job}`), signer: hash("owner"), run: made, stdin, expires: 0 };
      return [
        { type: "submitted@1", data: told },
        { type: "leased@1", data: { job, worker, until: now + 15_000 } },
      ];
    });
    return job;
  }

  #end(worker: string, job: string, text: string): void {
    const command = { op: "done", job, exit: 0, stdout: inline(text), stderr: inline("") };
    this.#write("jobs", `/worker/${worker}/results`, command, () => {
      const end = {
        reason: "exit",
        exit: 0,
        message: "",
        stdout: inline(text),
        stderr: inline(""),
        receipt: receipt(hash(`job ${job}`)),
        verified: true,
        peakBytes: 60_000_000,
      };
      const events: Emitted[] = [{ type: "ended@1", data: { job, worker, state: "done", end } }];
      this.#jobs.push(job);
      this.#ended += 1;
      const old = this.#jobs[this.#ended - kept - 1];
      if (old !== undefined) events.push({ type: "forgotten@1", data: { jobs: [old] } });
      return events;
    });
  }

  #renew(at: number): void {
    const worker = this.#workers[at % this.#workers.length] ?? "";
    this.#write("jobs", `/worker/${worker}/results`, { op: "renew" }, (_next, now) => [
      { type: "renewed@1", data: { worker, until: now + 15_000 } },
    ]);
  }

  async fill(): Promise<Filled> {
    const { workers, jobs, records } = this.#past;
    const { journal } = this.#kernel;
    const begun = journal.next;
    const renewals = Math.max(0, records - begun - workers - 2 * jobs);
    for (let at = 0; at < workers; at += 1) this.#join(at);
    let renewed = 0;
    for (let at = 0; at < jobs; at += 1) {
      const worker = this.#workers[at % workers] ?? "";
      const text = `input ${at} of a job that ran long ago`;
      const job = this.#submit(worker, text);
      for (const until = Math.floor((renewals * (at + 1)) / jobs); renewed < until; renewed += 1)
        this.#renew(renewed);
      this.#end(worker, job, text);
      if (journal.depth >= group) await this.#kernel.settled();
    }
    await this.#kernel.settled();
    return { records: journal.next, workers: this.#workers, jobs: this.#jobs };
  }
}

/**
 * Fills a kernel that has the real providers of workers and jobs with workers, ended jobs and records, through its own
 * decisions, so that journal, state, index and snapshots are what they would be. Nothing is verified, and no receipt is
 * signed.
 */
export function fillHive(kernel: Kernel, past: Past): Promise<Filled> {
  return new Filler(kernel, past).fill();
}
