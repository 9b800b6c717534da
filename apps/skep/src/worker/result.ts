import { createHash, randomBytes } from "node:crypto";
import { canonicalUtf8 } from "@skep/canon";
import type { Client } from "@skep/ninep";
import { type Committed, printRunFacts, type Signer, signReceipt } from "@skep/receipt";
import type { SandboxLimits } from "@skep/sandbox";
import { isAnswer, promise } from "@skep/trust";
import { type Capture, type Captured, inlineBytes, inlineTogether } from "./capture.ts";
import { type Pace, unpaced } from "../owner/pace.ts";
import type { Lease } from "./lease.ts";
import { inputDigest } from "./stdin.ts";

/** How a run ended, whether a module was started or not. */
export interface Ending {
  /** `exit` where the module ended by itself, else why it did not. */
  readonly reason: string;
  readonly exit: number | null;
  readonly message: string;
  readonly peakBytes: number;
  readonly durationMs: number;
  readonly layers: readonly string[];
  readonly grade: "fresh" | "shared";
  readonly limits: SandboxLimits;
}

/** Who signs, and for whom. */
export interface Issuer {
  readonly signer: Signer;
  readonly worker: string;
  readonly hive: string;
}

/** The exit code of every end that is not the module's. */
export const notTheModules = 125;

function completionOf(reason: string): "stop" | "cancelled" | "error" {
  if (reason === "exit") return "stop";
  return reason === "canceled" ? "cancelled" : "error";
}

function limitsHash({ fuel, memoryBytes, wallMs, stdoutBytes, stderrBytes }: SandboxLimits): string {
  const applied = { fuel: String(fuel), memoryBytes, stderrBytes, stdoutBytes, wallMs };
  return createHash("sha256").update(canonicalUtf8(applied)).digest("hex");
}

function receiptOf(lease: Lease, ending: Ending, committed: Committed, issuer: Issuer, now: number) {
  const { layers, grade, limits, reason, exit, durationMs } = ending;
  return signReceipt(issuer.signer, {
    jobId: lease.job_id,
    completedAt: BigInt(now) * 1_000_000n,
    result: {
      job_spec_hash: [...Buffer.from(lease.job_id, "hex")],
      output_commitment: [...committed.commitment],
      output_chunk_count: committed.chunks,
      completion: completionOf(reason),
      resumption: null,
      metrics: {
        total_duration_ms: Math.max(0, Math.round(durationMs)),
        prompt_tokens: 0,
        completion_tokens: 0,
        extra: printRunFacts({
          module_hash: `sha256:${lease.what}`,
          exit_code: String(reason === "exit" ? exit : notTheModules),
          stdin_hash: `sha256:${inputDigest(lease)}`,
          limits_hash: `sha256:${limitsHash(limits)}`,
          sandbox: layers.length > 0 ? [...layers].sort().join("+") : "none",
          grade,
          worker: issuer.worker,
          hive: issuer.hive,
          job: lease.job,
          // The record that made it; one of an array is named after its place there, too.
          journal: lease.job.split(".")[0] ?? lease.job,
          try: String(lease.try),
          ...(lease.resume ? { checkpoint: `sha256:${lease.resume.digest}` } : {}),
          ...lease.terms,
        }),
      },
    },
  });
}

async function upload(client: Client, digest: string, captured: Captured, pace: Pace): Promise<void> {
  await using file = await client.open(`/cas/${digest}`, "write");
  let at = 0;
  for await (const piece of captured.pieces(file.iounit)) {
    await pace(piece.length);
    await file.writeAll(piece, at);
    at += piece.length;
  }
}

type Use = <T>(act: (client: Client) => Promise<T>) => Promise<T>;
type Told =
  | { readonly bytes: number; readonly inline: string }
  | { readonly bytes: number; readonly digest: string };

/** Output as the result tells it: inline, or stored before under its digest. */
async function tell(captured: Captured, inline: boolean, use: Use, pace: Pace): Promise<Told> {
  const { bytes } = captured;
  if (inline) return { bytes, inline: captured.held.toString("base64") };
  const digest = captured.digest();
  await use(async (client) => {
    try {
      await upload(client, digest, captured, pace);
    } catch (thrown) {
      // Whoever has stored the same bytes before cannot store them again.
      if ((thrown as { kind?: string }).kind !== "conflict") throw thrown;
    }
  });
  return { bytes, digest };
}

/** What a result is made with. */
interface Telling {
  readonly issuer: Issuer;
  readonly use: Use;
  readonly now: () => number;
  readonly pace?: Pace;
}

/** How a job ended, as lines for the hive. */
export interface Ended {
  readonly line: string;
  /** Told first, where several machines answer: the line itself waits until all have committed. */
  readonly commit?: string;
}

/** What binds this worker to its answer before it sees another's; nothing where an end is no answer. */
function commitOf(lease: Lease, { reason }: Ending, committed: Committed, { signer }: Issuer) {
  if (lease.commit !== true || !isAnswer(reason)) return undefined;
  const salt = randomBytes(32).toString("hex");
  const { job, try: attempt } = lease;
  const commitment = promise({
    output: committed.commitment,
    salt,
    worker: signer.publicKey,
    job,
    try: attempt,
  });
  return { salt, line: JSON.stringify({ op: "commit", job, commitment }) };
}

/** The line that ends a job, with its output stored and its receipt signed. */
export async function resultLine(
  lease: Lease,
  ending: Ending,
  capture: Capture,
  { issuer, use, now, pace = unpaced }: Telling,
): Promise<Ended> {
  const { stdout, stderr } = capture;
  const outInline = stdout.inMemory && stdout.bytes <= inlineBytes;
  const room = outInline ? inlineTogether - stdout.bytes : inlineTogether;
  const errInline = stderr.inMemory && stderr.bytes <= Math.min(inlineBytes, room);
  const told = {
    stdout: await tell(stdout, outInline, use, pace),
    stderr: await tell(stderr, errInline, use, pace),
  };
  const committed = capture.finish();
  const commit = commitOf(lease, ending, committed, issuer);
  const line = {
    op: "done",
    job: lease.job,
    reason: ending.reason,
    exit: ending.exit,
    message: ending.message,
    ...told,
    receipt: receiptOf(lease, ending, committed, issuer, now()),
    peak_bytes: ending.peakBytes,
    ...(commit ? { salt: commit.salt } : {}),
  };
  return { line: JSON.stringify(line), ...(commit ? { commit: commit.line } : {}) };
}
