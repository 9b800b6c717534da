import type { Client } from "@skep/ninep";
import { createCommitment, type SignedReceipt, verifyReceipt } from "@skep/receipt";
import type { Submitted } from "./submit.ts";

/** Names of the two streams. */
export type StreamName = "stdout" | "stderr";
const streams: readonly StreamName[] = ["stdout", "stderr"];

/** Output up to this size is kept in memory, bytes of one stream. */
const heldBytes = 1024 * 1024;

/** What was seen of one stream while the job ran. */
export class Seen {
  #parts: Buffer[] = [];
  bytes = 0;

  add(bytes: Uint8Array): void {
    this.bytes += bytes.length;
    if (this.bytes <= heldBytes) this.#parts.push(Buffer.from(bytes));
    else this.#parts = [];
  }

  /** All of it, unless it was too long to keep. */
  get held(): Buffer | undefined {
    return this.bytes <= heldBytes ? Buffer.concat(this.#parts) : undefined;
  }
}

/** What the hive tells of a job that ended. */
export interface Status {
  readonly state: string;
  readonly exit: number | null;
  readonly reason: string | null;
  readonly message: string | null;
  readonly worker: string | null;
  readonly stdout_bytes: number | null;
  readonly stderr_bytes: number | null;
}

/** A job that ended, with its receipt held against the worker's key and against the output. */
export interface Outcome {
  readonly job: string;
  readonly status: Status;
  readonly verified: boolean;
  /** Why it does not verify. */
  readonly why: string;
  readonly receipt: SignedReceipt | undefined;
  /** As the hive stored it; empty without one. */
  readonly envelope: string;
  readonly key: string;
  /** Output that was short; a longer one is read with `stored`. */
  readonly stdout: Buffer | undefined;
  readonly stderr: Buffer | undefined;
}

/** Follows both streams until the job has ended; every piece is shown as it comes. */
export async function follow(
  client: Client,
  job: string,
  show: (stream: StreamName, bytes: Uint8Array) => Promise<void> | undefined,
  signal?: AbortSignal,
): Promise<Record<StreamName, Seen>> {
  const seen = { stdout: new Seen(), stderr: new Seen() };
  await Promise.all(
    streams.map(async (stream) => {
      const file = await client.open(`/jobs/${job}/${stream}.follow`, "read", { signal });
      try {
        for await (const bytes of file.follow({ signal })) {
          seen[stream].add(bytes);
          await show(stream, bytes);
        }
      } finally {
        void file.close();
      }
    }),
  );
  return seen;
}

/** The output of an ended job, piece by piece. */
export async function* stored(client: Client, job: string, stream: StreamName): AsyncGenerator<Uint8Array> {
  await using file = await client.open(`/jobs/${job}/${stream}`);
  for (let at = 0; ; ) {
    const bytes = await file.read(at, file.iounit);
    if (bytes.length === 0) return;
    at += bytes.length;
    yield bytes;
  }
}

/** Keys by worker: a hive never takes another key for a worker that it knows. */
const keys = new WeakMap<Client, Map<string, string>>();

async function keyOf(client: Client, worker: string | null): Promise<string> {
  if (!worker) return "";
  const known = keys.get(client) ?? new Map<string, string>();
  const key = known.get(worker);
  if (key !== undefined) return key;
  const info = JSON.parse(String(await readSmall(client, `/worker/${worker}/info.json`))) as {
    key?: unknown;
  };
  if (typeof info.key !== "string" || info.key === "") return "";
  keys.set(client, known.set(worker, info.key));
  return info.key;
}

/** Reads the stored output once more and compares it with what the receipt commits to. */
async function storedMatches(client: Client, job: string, receipt: SignedReceipt): Promise<boolean> {
  const commitment = createCommitment();
  for (const stream of streams)
    for await (const bytes of stored(client, job, stream)) commitment.add(stream, bytes);
  const { commitment: digest, chunks } = commitment.finish();
  const { output_commitment, output_chunk_count } = receipt.result;
  return chunks === output_chunk_count && digest.equals(Buffer.from(output_commitment));
}

type Found = Pick<Outcome, "verified" | "why" | "receipt" | "stdout" | "stderr">;

function agrees(receipt: SignedReceipt, status: Status, module: string | undefined): string {
  const { extra } = receipt.result.metrics;
  if (module !== undefined && extra.module_hash !== `sha256:${module}`) return "it is for another module";
  if (status.reason === "exit" && extra.exit_code !== String(status.exit))
    return "it tells another exit code";
  return "";
}

async function check(
  client: Client,
  { job, jobId }: Submitted,
  told: { readonly status: Status; readonly envelope: string; readonly key: string },
  seen: Partial<Record<StreamName, Buffer>>,
  module: string | undefined,
): Promise<Found> {
  const { status, envelope, key } = told;
  const none = { verified: false, receipt: undefined, stdout: seen.stdout, stderr: seen.stderr };
  if (envelope === "") return { ...none, why: "there is no receipt" };
  if (key === "") return { ...none, why: `worker ${status.worker ?? ""} has no known key` };
  const verdict = verifyReceipt(envelope, key, { jobId });
  if (!verdict.ok) return { ...none, why: `${verdict.failed}: ${verdict.why}` };
  const { receipt } = verdict;
  const other = agrees(receipt, status, module);
  if (other) return { ...none, receipt, why: other };
  const { stdout, stderr } = seen;
  if (stdout && stderr && verifyReceipt(envelope, key, { output: { stdout, stderr } }).ok)
    return { verified: true, why: "", receipt, stdout, stderr };
  // What was seen live may lack a part, or have that of an earlier try: what is stored counts.
  if (await storedMatches(client, job, receipt))
    return { ...none, verified: true, why: "", receipt, ...(await reread(client, job, status)) };
  return { ...none, receipt, why: "wrong-output: the output is not what the worker committed to" };
}

async function reread(client: Client, job: string, status: Status) {
  const read = async (stream: StreamName, bytes: number | null) =>
    (bytes ?? 0) <= heldBytes ? await client.readAll(`/jobs/${job}/${stream}`) : undefined;
  return {
    stdout: await read("stdout", status.stdout_bytes),
    stderr: await read("stderr", status.stderr_bytes),
  };
}

/** A file of a few kilobytes, made when it is opened: a read that is not full has all of it. */
async function readSmall(client: Client, path: string): Promise<Buffer> {
  const file = await client.open(path);
  try {
    const first = Buffer.from(await file.read(0, file.iounit));
    return first.length < file.iounit ? first : await file.readAll();
  } finally {
    void file.close();
  }
}

/** What became of a job that has ended, its receipt verified with the key that the hive knows of the worker. */
export async function outcomeOf(
  client: Client,
  submitted: Submitted,
  seen: Partial<Record<StreamName, Buffer | undefined>> = {},
  module?: string,
): Promise<Outcome> {
  const { job } = submitted;
  const [text, envelope] = await Promise.all([
    readSmall(client, `/jobs/${job}/status.json`),
    readSmall(client, `/jobs/${job}/receipt`),
  ]);
  const status = JSON.parse(String(text)) as Status;
  const told = { status, envelope: String(envelope).trim(), key: await keyOf(client, status.worker) };
  const { stdout, stderr } = seen;
  const held = { ...(stdout ? { stdout } : {}), ...(stderr ? { stderr } : {}) };
  return { job, ...told, ...(await check(client, submitted, told, held, module)) };
}
