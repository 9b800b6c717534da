import { readFile } from "node:fs/promises";
import type { Context } from "@skep/edge-cli";
import { kinds, toFault } from "@skep/fault";
import type { Client } from "@skep/ninep";
import { readRunFacts, type SignedReceipt, verifyReceipt } from "@skep/receipt";
import { connectOf } from "../client/connect.ts";
import { fault, unreadable } from "./faults.ts";

/** What a receipt is held against. */
export interface VerifyRequest {
  readonly file: string;
  readonly key: string | undefined;
  readonly worker: string | undefined;
  readonly stdout: string | undefined;
  readonly stderr: string | undefined;
}

async function read(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw unreadable("file", path, cause);
  }
}

interface Envelope {
  readonly result?: { readonly metrics?: { readonly extra?: { readonly worker?: unknown } } };
}

/** What looks like a receipt; undefined for another file, or half of one. */
function envelopeIn(text: string): Envelope | undefined {
  try {
    const found = JSON.parse(text) as Envelope | null;
    return typeof found?.result === "object" ? found : undefined;
  } catch {
    return undefined;
  }
}

/** Which worker a receipt names; that is no proof, only whom to ask the hive about. */
function namedWorker({ result }: Envelope): string | undefined {
  const worker = result?.metrics?.extra?.worker;
  return typeof worker === "string" && /^[\w.-]{1,64}$/.test(worker) ? worker : undefined;
}

async function infoOf(client: Client, worker: string): Promise<{ readonly key?: string }> {
  try {
    return JSON.parse(String(await client.readAll(`/worker/${worker}/info.json`))) as { key?: string };
  } catch (thrown) {
    throw toFault(thrown).kind === "absent" ? fault.worker(worker, { cause: thrown }) : thrown;
  }
}

async function keyOf(context: Context, request: VerifyRequest, envelope: string): Promise<string> {
  const { key } = request;
  if (key !== undefined && request.worker !== undefined) throw fault.key();
  if (key !== undefined) return key;
  const named = envelopeIn(envelope);
  if (!named) throw fault.receiptFile(request.file);
  const worker = request.worker ?? namedWorker(named);
  if (worker === undefined) throw fault.key();
  await using client = await connectOf(context);
  const info = await infoOf(client, worker);
  if (!info.key) throw fault.unsigned(worker);
  return info.key;
}

async function outputOf({ stdout, stderr }: VerifyRequest) {
  if (stdout === undefined && stderr === undefined) return {};
  const empty = Buffer.alloc(0);
  return {
    output: {
      stdout: stdout === undefined ? empty : await read(stdout),
      stderr: stderr === undefined ? empty : await read(stderr),
    },
  };
}

function factsOf({ result, job_id, completed_at, worker_pubkey }: SignedReceipt): Record<string, string> {
  const { metrics, completion } = result;
  const facts = readRunFacts(metrics.extra) ?? metrics.extra;
  return {
    job_id,
    worker_key: worker_pubkey,
    completed_at,
    completion,
    duration_ms: String(metrics.total_duration_ms),
    ...facts,
  };
}

const saidOf = (failed: string, why: string): string =>
  failed === "malformed" ? `it is no receipt: ${why}` : `${failed}: ${why}`;

/** Verifies a receipt offline; the exit code says whether it holds. */
export async function verifyFile(context: Context, request: VerifyRequest): Promise<number> {
  const { out } = context;
  const text = String(await read(request.file)).trim();
  const verdict = verifyReceipt(text, await keyOf(context, request, text), await outputOf(request));
  const checked = request.stdout !== undefined || request.stderr !== undefined;
  if (!verdict.ok) {
    const { failed, why } = verdict;
    if (out.wantsJson) await out.json({ verified: false, failed, why });
    else await out.line({ tone: "bad", text: "does not verify: " }, saidOf(failed, why));
    return kinds.corrupt.exit;
  }
  const facts = factsOf(verdict.receipt);
  if (out.wantsJson)
    await out.json({ verified: true, output: checked ? "matches" : "not compared", ...facts });
  else {
    await out.line(
      { tone: "good", text: "verified" },
      checked ? ", the output too" : "; the output was not compared",
    );
    for (const [name, value] of Object.entries(facts)) await out.line(`  ${name.padEnd(14)}`, value);
  }
  return 0;
}
