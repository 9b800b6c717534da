import { hash } from "node:crypto";
import { parseJson } from "@skep/canon";
import { commitToOutput } from "./commitment.ts";
import { manifestMessage, receiptMessage } from "./envelope.ts";
import { fault } from "./faults.ts";
import { isLegacy } from "./legacy.ts";
import { parseMoment } from "./moment.ts";
import { type JobResult, SignedManifest, SignedReceipt } from "./schema.ts";
import { isSignedBy } from "./signer.ts";

/** What failed, in the order in which it is looked at. */
export type Failure =
  | "malformed"
  | "legacy"
  | "newer"
  | "wrong-key"
  | "forged"
  | "wrong-job"
  | "wrong-output"
  | "expired";

/** A verified envelope, or what failed and why in one line. */
export type Verdict<T> =
  | ({ readonly ok: true } & T)
  | { readonly ok: false; readonly failed: Failure; readonly why: string };

const depth = 8;
/** A manifest may carry its module, as a list of numbers; a receipt carries nothing large. */
const manifestBytes = 16 * 1024 * 1024;
const receiptBytes = 512 * 1024;

function failed(failure: Failure, why: string): { ok: false; failed: Failure; why: string } {
  return { ok: false, failed: failure, why };
}

interface Schema<T> {
  safeParse(value: unknown): { data?: T; error?: { issues: readonly { path: PropertyKey[] }[] } };
}

/** Reads an envelope from text or from a parsed value, strictly: what has an unknown field is not verified. */
function read<T>(
  schema: Schema<T>,
  envelope: unknown,
  maxLength: number,
): { ok: true; data: T } | ReturnType<typeof failed> {
  let value = envelope;
  try {
    if (typeof envelope === "string") value = parseJson(envelope, { maxDepth: depth, maxLength });
  } catch (thrown) {
    return failed("malformed", thrown instanceof Error ? thrown.message : "not JSON");
  }
  if (typeof value !== "object" || value === null) return failed("malformed", "not an object");
  if (isLegacy(value))
    return failed("legacy", "version 0.1 binds neither output nor job; it is never accepted");
  if ("schema_version" in value && Number.isInteger(value.schema_version) && Number(value.schema_version) > 1)
    return failed("newer", `schema version ${value.schema_version} is newer than 1`);
  const { data, error } = schema.safeParse(value);
  if (data === undefined)
    return failed("malformed", `field ${error?.issues[0]?.path.join(".") || "missing"}`);
  return { ok: true, data };
}

/** What a receipt is held against beside the key. */
export interface Expected {
  /** Id of the job that was submitted; without it the receipt may be of any job of this worker. */
  readonly jobId?: string;
  /** The output that came with the receipt. */
  readonly output?: { readonly stdout: Uint8Array; readonly stderr: Uint8Array };
}

/** True when the result commits to exactly this output. */
export function isOutputOf(result: JobResult, output: NonNullable<Expected["output"]>): boolean {
  const { commitment: digest, chunks } = commitToOutput(output);
  return chunks === result.output_chunk_count && digest.equals(Buffer.from(result.output_commitment));
}

/**
 * Verifies a receipt, given as text or value, against the worker's key as the caller knows it (64 hex digits).
 * The key inside the envelope proves nothing: it must equal the pinned one. Throws `receipt.key` for a pinned key that
 * is none, and nothing else: what is wrong with the envelope is an answer.
 */
export function verifyReceipt(
  envelope: unknown,
  pinnedKey: string,
  expected: Expected = {},
): Verdict<{ readonly receipt: SignedReceipt }> {
  if (!/^[0-9a-fA-F]{64}$/.test(pinnedKey)) throw fault.key();
  const found = read(SignedReceipt, envelope, receiptBytes);
  if (!found.ok) return found;
  const receipt = found.data;
  if (receipt.worker_pubkey !== pinnedKey.toLowerCase())
    return failed("wrong-key", "signed by another worker");
  if (!isSignedBy(receipt.worker_pubkey, receiptMessage(receipt), receipt.signature))
    return failed("forged", "the signature does not hold");
  if (expected.jobId !== undefined && expected.jobId !== receipt.job_id)
    return failed("wrong-job", `it is for job ${receipt.job_id}`);
  if (expected.output && !isOutputOf(receipt.result, expected.output))
    return failed("wrong-output", "the output is not what the worker committed to");
  return { ok: true, receipt };
}

/**
 * Verifies a manifest, given as text or value. `signers` are the keys that may submit work, 64 hex digits each: a
 * signature that holds is no permission by itself. `now` is nanoseconds since 1970; expiry is judged last.
 */
export function verifyManifest(
  envelope: unknown,
  against: { readonly signers: readonly string[]; readonly now: bigint },
): Verdict<{ readonly manifest: SignedManifest; readonly jobId: string }> {
  const found = read(SignedManifest, envelope, manifestBytes);
  if (!found.ok) return found;
  const manifest = found.data;
  if (!against.signers.includes(manifest.signer_pubkey)) return failed("wrong-key", "signed by nobody known");
  const message = manifestMessage(manifest);
  if (!isSignedBy(manifest.signer_pubkey, message, manifest.signature))
    return failed("forged", "the signature does not hold");
  const expiry = manifest.expires_at === undefined ? undefined : parseMoment(manifest.expires_at);
  if (expiry !== undefined && against.now >= expiry) return failed("expired", `at ${manifest.expires_at}`);
  return { ok: true, manifest, jobId: hash("sha256", message, "hex") };
}
