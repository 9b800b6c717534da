import { readFile } from "node:fs/promises";
import type { Context } from "@skep/edge-cli";
import { kinds } from "@skep/fault";
import { readRunFacts, type SignedReceipt, verifyReceipt } from "@skep/receipt";
import { connectOf } from "../client/connect.ts";
import { fault } from "./faults.ts";

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
    throw fault.file(path, { cause });
  }
}

/** Which worker a receipt names; that is no proof, only whom to ask the hive about. */
function namedWorker(envelope: string): string | undefined {
  try {
    const receipt = JSON.parse(envelope) as { result?: { metrics?: { extra?: { worker?: unknown } } } };
    const worker = receipt.result?.metrics?.extra?.worker;
    return typeof worker === "string" && /^[\w.-]{1,64}$/.test(worker) ? worker : undefined;
  } catch {
    return undefined;
  }
}

async function keyOf(context: Context, request: VerifyRequest, envelope: string): Promise<string> {
  const { key } = request;
  if (key !== undefined && request.worker !== undefined) throw fault.key();
  if (key !== undefined) return key;
  const worker = request.worker ?? namedWorker(envelope);
  if (worker === undefined) throw fault.key();
  await using client = await connectOf(context);
  const info = JSON.parse(String(await client.readAll(`/worker/${worker}/info.json`))) as { key?: string };
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

/** Verifies a receipt offline; the exit code says whether it holds. */
export async function verifyFile(context: Context, request: VerifyRequest): Promise<number> {
  const { out } = context;
  const text = String(await read(request.file)).trim();
  const verdict = verifyReceipt(text, await keyOf(context, request, text), await outputOf(request));
  const checked = request.stdout !== undefined || request.stderr !== undefined;
  if (!verdict.ok) {
    const { failed, why } = verdict;
    if (out.wantsJson) await out.json({ verified: false, failed, why });
    else await out.line({ tone: "bad", text: "does not verify: " }, `${failed}: ${why}`);
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
