import { setTimeout as delay } from "node:timers/promises";
import type { Client } from "@skep/ninep";
import { createCommitment, isOutputOf, type SignedReceipt, verifyReceipt } from "@skep/receipt";
import { printJson } from "@skep/text";
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
  /** What the hive made of the receipt; null where no worker ended it and there is none. */
  readonly verified: string | null;
  readonly worker: string | null;
  readonly stdout_bytes: number | null;
  readonly stderr_bytes: number | null;
}

type Output = { readonly bytes: number; readonly inline?: string };

/** The line of `/jobs/<id>/result`. */
interface Told extends Status {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly receipt: unknown;
}

type Held = Partial<Readonly<Record<StreamName, Buffer>>>;

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

/** Takes pieces of output as they come; nothing further is read before a returned promise is fulfilled. */
export type Show = (stream: StreamName, bytes: Uint8Array) => Promise<void> | undefined;

/** Follows both streams until the job has ended; every piece is shown as it comes. */
async function follow(
  client: Client,
  job: string,
  show: Show,
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
  const info = JSON.parse(String(await client.readFirst(`/worker/${worker}/info.json`))) as {
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
  told: Told,
  key: string,
  seen: Held,
  module: string | undefined,
): Promise<Found> {
  const none = { verified: false, receipt: undefined, stdout: seen.stdout, stderr: seen.stderr };
  if (told.receipt === null) return { ...none, why: "there is no receipt" };
  if (key === "") return { ...none, why: `worker ${told.worker ?? ""} has no known key` };
  const verdict = verifyReceipt(told.receipt, key, { jobId });
  if (!verdict.ok) return { ...none, why: `${verdict.failed}: ${verdict.why}` };
  const { receipt } = verdict;
  const other = agrees(receipt, told, module);
  if (other) return { ...none, receipt, why: other };
  const { stdout, stderr } = seen;
  if (stdout && stderr && isOutputOf(receipt.result, { stdout, stderr }))
    return { verified: true, why: "", receipt, stdout, stderr };
  // What was seen live may lack a part, or have that of an earlier try: what is stored counts.
  if (await storedMatches(client, job, receipt))
    return { ...none, verified: true, why: "", receipt, ...(await reread(client, job, told)) };
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

/** Output that rode in the result, else what was seen. */
function heldOf(told: Told, seen: Partial<Record<StreamName, Seen>>): Held {
  const held: { -readonly [Name in StreamName]?: Buffer } = {};
  for (const stream of streams) {
    const { inline } = told[stream];
    const bytes = inline === undefined ? seen[stream]?.held : Buffer.from(inline, "base64");
    if (bytes) held[stream] = bytes;
  }
  return held;
}

/** Waits for the one line that tells how a job ended. */
async function toldOf(client: Client, job: string, signal: AbortSignal | undefined): Promise<Told> {
  let line = await client.readFirst(`/jobs/${job}/result.follow`, { signal });
  if (line.at(-1) !== 10) line = await client.readAll(`/jobs/${job}/result`, { signal });
  return JSON.parse(String(line)) as Told;
}

/** Output of a job that lasts longer is shown while it runs, milliseconds. */
const liveAfter = 100;

/** Waits for the end of a job and shows its output: as it comes where the job lasts, else all at once. */
async function shown(
  client: Client,
  job: string,
  coming: Promise<Told>,
  show: Show,
  signal: AbortSignal | undefined,
): Promise<Partial<Record<StreamName, Seen>>> {
  const soon = new AbortController();
  const late = delay(liveAfter, undefined, { signal: soon.signal }).catch(() => undefined);
  const told = await Promise.race([coming, late]);
  soon.abort();
  if (told?.stdout.inline === undefined || told.stderr.inline === undefined)
    return await follow(client, job, show, signal);
  const held = heldOf(told, {});
  for (const stream of streams) if (held[stream]?.length) await show(stream, held[stream]);
  return {};
}

/** What an outcome is waited for with. */
export interface Waiting {
  /** Digest of the module that was submitted. */
  readonly module?: string;
  /** Who sees the output, before it is verified; nobody where left out. */
  readonly show?: Show | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Waits for the end of a job; its receipt is verified with the key that the hive knows of the worker. */
export async function outcomeOf(
  client: Client,
  submitted: Submitted,
  { module, show, signal }: Waiting = {},
): Promise<Outcome> {
  const { job } = submitted;
  const coming = toldOf(client, job, signal);
  const [told, seen] = await Promise.all([coming, show ? shown(client, job, coming, show, signal) : {}]);
  const key = await keyOf(client, told.worker);
  const found = await check(client, submitted, told, key, heldOf(told, seen), module);
  const { receipt } = told;
  return { job, status: told, envelope: receipt === null ? "" : printJson(receipt), key, ...found };
}
