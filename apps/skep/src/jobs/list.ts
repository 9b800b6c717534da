import type { Context } from "@skep/edge-cli";
import { toFault } from "@skep/fault";
import type { Client } from "@skep/ninep";
import { formatBytes, formatDuration, formatTime } from "@skep/text";
import { connectOf } from "../client/connect.ts";
import { fault } from "./faults.ts";

/** What the hive tells of a job, in `status.json`. */
interface Told {
  readonly job: string;
  readonly state: string;
  readonly exit: number | null;
  readonly reason: string | null;
  readonly message: string | null;
  readonly verified: string | null;
  readonly owner: string;
  readonly worker: string | null;
  readonly tries: number;
  readonly late_receipts: number;
  readonly stdout_bytes: number | null;
  readonly stderr_bytes: number | null;
  readonly submitted_ms: number;
  readonly started_ms: number | null;
  readonly ended_ms: number | null;
  readonly job_id: string;
  /** Why it waits. */
  readonly wait?: string;
  /** Of an array: its jobs, and how many ended well. */
  readonly total?: number;
  readonly done?: number;
}

/** One row of `skep jobs`. */
export interface JobRow extends Told {
  /** Digest of the module, or name of the task. */
  readonly what: string;
  readonly kind: string;
}

/** Jobs whose files are read at a time. */
const atOnce = 16;

async function readRow(client: Client, id: string, signal: AbortSignal): Promise<JobRow | undefined> {
  try {
    const [status, spec] = await Promise.all([
      client.readAll(`/jobs/${id}/status.json`, { signal }),
      client.readAll(`/jobs/${id}/spec`, { signal }),
    ]);
    const { what, kind } = JSON.parse(String(spec)) as { what: string; kind: string };
    return { ...(JSON.parse(String(status)) as Told), what, kind };
  } catch (thrown) {
    // It may have gone between the listing and now.
    if ((thrown as { kind?: string }).kind === "absent") return undefined;
    throw thrown;
  }
}

/** Jobs that ended are listed so many at most; older ones are still found by their number. */
const listedEnded = 32;

function olderThan(rows: readonly JobRow[], left: number): string | undefined {
  if (left > 0) return `${left} more are listed with a larger -n`;
  const ended = rows.filter(({ ended_ms }) => ended_ms !== null).length;
  return ended >= listedEnded
    ? "Of those that ended the newest are listed; older jobs: `skep jobs NUMBER`"
    : undefined;
}

/** The newest jobs, newest first, and what to say of those that are left out. */
export async function newestJobs(
  client: Client,
  most: number,
  signal: AbortSignal,
): Promise<{ readonly rows: JobRow[]; readonly older: string | undefined }> {
  const names = (await client.readdir("/jobs", { signal })).map(({ name }) => name);
  const ids = names.filter((name) => /^\d+$/.test(name)).sort((one, other) => Number(other) - Number(one));
  const wanted = ids.slice(0, most);
  const rows: (JobRow | undefined)[] = [];
  for (let at = 0; at < wanted.length; at += atOnce)
    rows.push(...(await Promise.all(wanted.slice(at, at + atOnce).map((id) => readRow(client, id, signal)))));
  const there = rows.filter((row) => row !== undefined);
  return { rows: there, older: olderThan(there, ids.length - wanted.length) };
}

const short = ({ kind, what }: JobRow): string => (kind === "wasm" ? what.slice(0, 12) : what);

/** Prints the newest jobs as a table. */
export async function listJobs(context: Context, most: number): Promise<void> {
  const { out, signal } = context;
  await using client = await connectOf(context);
  if (most < 1) throw fault.count(String(most));
  const { rows, older } = await newestJobs(client, most, signal);
  const now = Date.now();
  await out.table(
    rows,
    [
      { title: "job", cell: ({ job }) => job, align: "right" },
      { title: "state", cell: ({ state }) => state },
      {
        title: "exit",
        cell: ({ exit, reason, total, done }) =>
          total === undefined ? (exit === null ? (reason ?? "") : String(exit)) : `${done}/${total}`,
        align: "right",
      },
      { title: "module", cell: short },
      { title: "worker", cell: ({ worker }) => worker ?? "" },
      {
        title: "age",
        cell: ({ submitted_ms }) => formatDuration(Math.max(0, now - submitted_ms)),
        align: "right",
      },
      { title: "receipt", cell: ({ verified }) => (verified === "yes" ? "verified" : (verified ?? "")) },
    ],
    { empty: "No jobs yet; run one with `skep run FILE`" },
  );
  if (older && !out.wantsJson) out.message(older);
}

function rowsOf(job: JobRow, why: string): Record<string, string> {
  const { started_ms: started, ended_ms: ended } = job;
  return {
    job: job.job,
    state: job.state,
    why: why.trim(),
    module: job.what,
    owner: job.owner,
    worker: job.worker ?? "none yet",
    ...(job.total === undefined ? { tries: String(job.tries) } : { done: `${job.done} of ${job.total}` }),
    submitted: formatTime(job.submitted_ms),
    ...(started ? { started: formatTime(started) } : {}),
    ...(started && ended ? { took: formatDuration(ended - started) } : {}),
    ...(job.stdout_bytes === null ? {} : { stdout: formatBytes(job.stdout_bytes) }),
    ...(job.stderr_bytes === null ? {} : { stderr: formatBytes(job.stderr_bytes) }),
    ...(job.verified ? { receipt: job.verified === "yes" ? "verified" : job.verified } : {}),
    ...(job.job_id ? { "job id": job.job_id } : {}),
  };
}

/** Prints all that there is to tell of one job. */
export async function showJob(context: Context, id: string): Promise<void> {
  const { out, signal } = context;
  await using client = await connectOf(context);
  const [status, spec, why] = await Promise.all(
    ["status.json", "spec", "why"].map((name) => client.readAll(`/jobs/${id}/${name}`, { signal })),
  ).catch((thrown: unknown) => {
    throw toFault(thrown).kind === "absent" ? fault.job(id, { cause: thrown }) : thrown;
  });
  const told = { ...JSON.parse(String(spec)), ...JSON.parse(String(status)) } as JobRow;
  if (out.wantsJson) return out.json({ ...told, why: String(why).trim() });
  for (const [name, value] of Object.entries(rowsOf(told, String(why))))
    await out.line({ tone: "dim", text: name.padEnd(10) }, value);
}
