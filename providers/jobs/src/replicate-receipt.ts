import { createHash } from "node:crypto";
import { canonicalUtf8 } from "@skep/canon";
import { isOutputOf, type SignedReceipt, verifyReceipt } from "@skep/receipt";
import { answerKey, type Fate, isAnswer, keeps } from "@skep/trust";
import type { Envelope, Job, Jobs, Limits, Output } from "./model.ts";
import type { JobRule, Seat } from "./replicate-model.ts";

/** What a worker told with its receipt. */
export interface ToldAnswer {
  readonly reason: string;
  readonly exit: number | null;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly receipt: unknown;
  readonly salt: string;
}

/** What a seat's answer is worth by itself, before it is compared with others. */
export interface Weighed {
  /** What is compared; empty where nothing of it can be believed. */
  readonly answer: string;
  readonly fate: Fate | "";
  readonly why: string;
}

const bad = (fate: Fate, why: string): Weighed => ({ answer: "", fate, why });

function bytesOf(output: Output): Uint8Array | undefined {
  return output.inline === undefined ? undefined : Buffer.from(output.inline, "base64");
}

/** Whether the receipt says the same as the result that came with it. */
export function agrees(receipt: SignedReceipt, told: ToldAnswer, job: Job): boolean {
  const { extra } = receipt.result.metrics;
  if (extra.module_hash !== `sha256:${job.run.what}`) return false;
  if (told.reason === "exit" && extra.exit_code !== String(told.exit)) return false;
  const out = bytesOf(told.stdout);
  const err = bytesOf(told.stderr);
  return out === undefined || err === undefined || isOutputOf(receipt.result, { stdout: out, stderr: err });
}

const signatureOf = (receipt: Envelope | null | undefined): unknown => receipt?.signature;

/** Whether the hive has seen this very receipt with another job. */
function seenBefore(state: Jobs, { signature, result }: SignedReceipt): boolean {
  const id = result.metrics.extra.job ?? "";
  const receipts = [
    state.jobs.get(id)?.end?.receipt,
    ...(state.jobs.get(id)?.late.map(({ receipt }) => receipt) ?? []),
    ...(state.verdicts.get(id)?.replicas.map(({ receipt }) => receipt) ?? []),
  ];
  return receipts.some((receipt) => signatureOf(receipt) === signature);
}

/** Digest of limits as a worker signs those that it applied. */
function limitsHash({ fuel, memoryBytes, wallMs, stdoutBytes, stderrBytes }: Limits): string {
  const applied = { fuel, memoryBytes, stderrBytes, stdoutBytes, wallMs };
  return createHash("sha256").update(canonicalUtf8(applied)).digest("hex");
}

/** Ends that lower limits of a machine bring about are that machine's: an end is the module's only under the job's own. */
function underOwnLimits(extra: Readonly<Record<string, string>>, job: Job): boolean {
  return extra.limits_hash === undefined || extra.limits_hash === `sha256:${limitsHash(job.run.limits)}`;
}

/** Whether an end counts as an answer of the module. */
export function answersFor(told: ToldAnswer, job: Job): boolean {
  if (!isAnswer(told.reason)) return false;
  if (told.reason === "exit" || told.reason === "trap" || told.reason === "refused") return true;
  const receipt = told.receipt as { result?: { metrics?: { extra?: Record<string, string> } } } | undefined;
  return underOwnLimits(receipt?.result?.metrics?.extra ?? {}, job);
}

/** Checks one answer: signature, job, try, what came with it, and that it is what was committed to. */
export function weigh(state: Jobs, job: Job, seat: Seat, told: ToldAnswer, rule: JobRule): Weighed {
  if (told.receipt === undefined || seat.key === "")
    return bad("forged-receipt", "there is no signed receipt");
  const verdict = verifyReceipt(told.receipt as object, seat.key);
  if (!verdict.ok) return bad("forged-receipt", `${verdict.failed}: ${verdict.why}`);
  const { receipt } = verdict;
  const { extra } = receipt.result.metrics;
  if (receipt.job_id !== job.jobId)
    return seenBefore(state, receipt)
      ? bad("replayed-receipt", `it is the receipt of job ${extra.job}`)
      : bad("other-job", `it is for the manifest ${receipt.job_id}`);
  if (extra.job !== job.id || (extra.try !== undefined && extra.try !== String(seat.try)))
    return bad("replayed-receipt", `it is of job ${extra.job}, try ${extra.try ?? "unknown"}`);
  if (!agrees(receipt, told, job)) return bad("forged-receipt", "it tells another result than came with it");
  const output = Buffer.from(receipt.result.output_commitment);
  const { reason, exit, salt } = told;
  const answer = answerKey({ reason, exit, output: output.toString("hex"), loose: rule.class === "loose" });
  const promised = { output, salt, worker: seat.key, job: job.id, try: seat.try };
  if (seat.commitment !== "" && !keeps(seat.commitment, promised))
    return { answer, fate: "broken-commitment", why: "it is not what was committed to" };
  return { answer, fate: "", why: "" };
}
