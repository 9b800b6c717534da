import { readFile } from "node:fs/promises";
import type { Context } from "@skep/edge-cli";
import { kinds, toFault } from "@skep/fault";
import type { Client } from "@skep/ninep";
import { type SignedReceipt, verifyReceipt } from "@skep/receipt";
import { checkVerdict } from "@skep/trust";
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
  return {
    job_id,
    worker_key: worker_pubkey,
    completed_at,
    completion,
    duration_ms: String(metrics.total_duration_ms),
    ...metrics.extra,
  };
}

const saidOf = (failed: string, why: string): string =>
  failed === "malformed" ? `it is no receipt: ${why}` : `${failed}: ${why}`;

function verdictIn(text: string): unknown {
  try {
    const found = JSON.parse(text) as { format?: unknown } | null;
    return found?.format === "skep-verdict:v1" ? found : undefined;
  } catch {
    return undefined;
  }
}

/** Verifies a verdict on several answers; `key` is the hive's, whose signature binds who owns which machine. */
async function verifyVerdict({ out }: Context, value: unknown, key: string | undefined): Promise<number> {
  const checked = checkVerdict(value, key);
  if (!checked.ok) {
    if (out.wantsJson) await out.json({ verified: false, failed: "verdict", why: checked.why });
    else await out.line({ tone: "bad", text: "does not verify: " }, checked.why);
    return kinds.corrupt.exit;
  }
  const { job, rule, answer, replicas, hive, hive_key } = checked.verdict;
  const rows = replicas.map(({ worker, owner, class: of, verdict, why }) => ({
    worker,
    owner,
    class: of,
    verdict,
    why,
  }));
  if (out.wantsJson) {
    const told = { job, hive: hive ?? null, hive_key: hive_key ?? null, rule, answer, replicas: rows };
    await out.json({ verified: true, signed: checked.signed, ...told });
    return 0;
  }
  const whose = checked.signed
    ? ", signed by the hive"
    : "; who owns which machine was not checked (give --key of the hive)";
  await out.line({ tone: "good", text: "verified" }, whose);
  await out.line("  job             ", job);
  await out.line("  rule            ", `${rule.quorum} of ${rule.replicas}, ${rule.class}; ${rule.owners}`);
  for (const { worker, owner, verdict, why } of rows)
    await out.line(`  ${worker.padEnd(14)}  `, `${verdict}: ${why} (${owner})`);
  return 0;
}

/** Verifies a receipt offline; the exit code says whether it holds. */
export async function verifyFile(context: Context, request: VerifyRequest): Promise<number> {
  const { out } = context;
  const text = String(await read(request.file)).trim();
  const several = verdictIn(text);
  if (several !== undefined) return await verifyVerdict(context, several, request.key);
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
    for (const [name, value] of Object.entries(facts)) await out.line(`  ${name.padEnd(14)}  `, value);
  }
  return 0;
}
