import { hash } from "node:crypto";
import { canonicalUtf8 } from "@skep/canon";
import { fault } from "./faults.ts";
import { printMoment } from "./moment.ts";
import { JobResult, JobSpec, type SignedManifest, type SignedReceipt } from "./schema.ts";
import type { Signer } from "./signer.ts";

/** The bytes that the signature of a manifest covers; their SHA-256 is the manifest's hash and the job's id. */
export function manifestMessage(manifest: Omit<SignedManifest, "signature" | "signer_pubkey">): Buffer {
  const { created_at, expires_at, payload, schema_version } = manifest;
  const expiry = expires_at === undefined ? {} : { expires_at };
  return Buffer.from(
    `phase-manifest:v1:${canonicalUtf8({ created_at, ...expiry, payload, schema_version })}`,
  );
}

/** The bytes that the signature of a receipt covers; the worker's key is not among them. */
export function receiptMessage(receipt: Omit<SignedReceipt, "signature" | "worker_pubkey">): Buffer {
  const { completed_at, job_id, result, schema_version } = receipt;
  return Buffer.from(`phase-receipt:v1:${canonicalUtf8({ completed_at, job_id, result, schema_version })}`);
}

/** The job id of a manifest, 64 hex digits. */
export function jobIdOf(manifest: Omit<SignedManifest, "signature" | "signer_pubkey">): string {
  return hash("sha256", manifestMessage(manifest), "hex");
}

const safeKey = /^[A-Za-z_][\w.-]*$/;
const separators = /[\u2028\u2029]/;

/**
 * PHP's JSON writer gives other bytes for empty maps, keys that look like numbers, U+2028 and U+2029, and fractions:
 * an envelope with one of them would never verify there, so it is not made.
 */
function refuseTraps(value: unknown, path: string): void {
  if (typeof value === "string" && separators.test(value))
    throw fault.unsignable(`line separator at ${path}`);
  if (typeof value === "number" && !Number.isSafeInteger(value))
    throw fault.unsignable(`no integer at ${path}`);
  if (typeof value !== "object" || value === null) return;
  if (Array.isArray(value)) {
    // Bytes as numbers are most of an envelope.
    if (value.every(Number.isSafeInteger)) return;
    for (const [at, item] of value.entries()) refuseTraps(item, `${path}[${at}]`);
    return;
  }
  const members = Object.entries(value);
  if (members.length === 0) throw fault.unsignable(`empty map at ${path}`);
  for (const [key, item] of members) {
    if (!safeKey.test(key)) throw fault.unsignable(`key that is no name below ${path}`);
    refuseTraps(item, `${path}.${key}`);
  }
}

interface Schema<T> {
  safeParse(value: unknown): {
    data?: T;
    error?: { issues: readonly { path: PropertyKey[]; message: string }[] };
  };
}

/** Drops members that are undefined, so that what is signed is what JSON will carry. */
function defined(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value))
    return value.every((item) => typeof item !== "object") ? value : value.map(defined);
  const copy: Record<string, unknown> = {};
  for (const [name, item] of Object.entries(value)) if (item !== undefined) copy[name] = defined(item);
  return copy;
}

function checked<T>(schema: Schema<T>, value: unknown): T {
  const { data, error } = schema.safeParse(defined(value));
  if (data === undefined) {
    const issue = error?.issues[0];
    throw fault.unsignable(`${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`);
  }
  refuseTraps(data, "$");
  return data;
}

function moment(nanoseconds: bigint): string {
  if (nanoseconds < 0n || nanoseconds >= 253_402_300_800_000_000_000n)
    throw fault.unsignable("time out of range");
  return printMoment(nanoseconds);
}

/** Signs work. Times are nanoseconds since 1970. Throws `receipt.unsignable` naming the field and the trap. */
export function signManifest(
  signer: Signer,
  work: { readonly payload: JobSpec; readonly createdAt: bigint; readonly expiresAt?: bigint },
): { readonly manifest: SignedManifest; readonly jobId: string } {
  const body = {
    schema_version: 1 as const,
    payload: checked(JobSpec, work.payload),
    created_at: moment(work.createdAt),
    ...(work.expiresAt === undefined ? {} : { expires_at: moment(work.expiresAt) }),
  };
  const message = manifestMessage(body);
  const manifest = { ...body, signer_pubkey: signer.publicKey, signature: signer.sign(message) };
  return { manifest, jobId: hash("sha256", message, "hex") };
}

/** Signs a result under the id of its job. `completedAt` is nanoseconds since 1970. Throws `receipt.unsignable`. */
export function signReceipt(
  signer: Signer,
  done: { readonly result: JobResult; readonly jobId: string; readonly completedAt: bigint },
): SignedReceipt {
  if (!/^[0-9a-f]{64}$/.test(done.jobId)) throw fault.unsignable("job id is not 64 hex digits");
  const body = {
    schema_version: 1 as const,
    result: checked(JobResult, done.result),
    job_id: done.jobId,
    completed_at: moment(done.completedAt),
  };
  return { ...body, worker_pubkey: signer.publicKey, signature: signer.sign(receiptMessage(body)) };
}
