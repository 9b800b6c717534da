import { z } from "zod";
import { parseMoment } from "./moment.ts";

const Hex32 = z.string().regex(/^[0-9a-f]{64}$/);
const Signature = z.string().regex(/^[0-9a-f]{128}$/);

/** Lists of numbers are most of an envelope, and looking at each through a schema of its own most of reading it. */
function bytes(least: number, most: number) {
  const isBytes = (value: unknown): boolean => {
    if (!Array.isArray(value) || value.length < least || value.length > most) return false;
    for (let at = 0; at < value.length; at++) {
      const byte: unknown = value[at];
      if (typeof byte !== "number" || (byte & 255) !== byte) return false;
    }
    return true;
  };
  return z.custom<number[]>(isBytes, "no list of bytes").meta({
    type: "array",
    items: { type: "integer", minimum: 0, maximum: 255 },
    minItems: least,
    ...(most < Number.POSITIVE_INFINITY ? { maxItems: most } : {}),
  });
}

const Bytes = bytes(0, Number.POSITIVE_INFINITY);
const Bytes32 = bytes(32, 32);
const Count = z.int().min(0);
const Text = z.string().max(65_536);
const Name = z.string().min(1).max(256);
const Moment = z.string().refine((text) => parseMoment(text) !== undefined, "not an RFC 3339 moment in UTC");
const Texts = z
  .record(Name, z.string().max(4096))
  .refine((map) => Object.keys(map).length <= 64, "too many keys");

const WasmJob = z.strictObject({
  kind: z.literal("wasm"),
  module_cid: Name,
  input: Bytes,
  max_duration_ms: Count.optional(),
  max_memory_bytes: Count.optional(),
});

const Resumption = z.strictObject({
  issuer: Name,
  state: bytes(0, 256),
  valid_until_unix_ms: Count,
});

const InferenceJob = z.strictObject({
  kind: z.literal("inference"),
  model_cid: Name,
  messages: z.array(z.strictObject({ role: Name, content: Text })).max(4096),
  prompt: Text.optional(),
  resume_from: Resumption.optional(),
  sampling: Texts.optional(),
  max_tokens: Count.optional(),
  stream: z.boolean().default(true),
});

/** Work as Phase describes it (phase-protocol `JobSpec`), tagged by `kind`. */
export const JobSpec = z.discriminatedUnion("kind", [WasmJob, InferenceJob]).meta({ id: "JobSpec" });

/** How work ended, what it put out, and what it cost (phase-protocol `JobResult`). */
export const JobResult = z
  .strictObject({
    job_spec_hash: Bytes32,
    output_commitment: Bytes32,
    output_chunk_count: Count,
    completion: z.enum(["stop", "length", "cancelled", "error"]),
    resumption: Resumption.nullable(),
    metrics: z.strictObject({
      total_duration_ms: Count,
      prompt_tokens: Count,
      completion_tokens: Count,
      extra: Texts,
    }),
  })
  .meta({ id: "JobResult" });

/** The envelope of work, signed by whoever submits it. */
export const SignedManifest = z
  .strictObject({
    schema_version: z.literal(1),
    payload: JobSpec,
    signer_pubkey: Hex32,
    signature: Signature,
    created_at: Moment,
    expires_at: Moment.optional(),
  })
  .meta({ id: "SignedManifest" });

/** The envelope of a result, signed by the worker. */
export const SignedReceipt = z
  .strictObject({
    schema_version: z.literal(1),
    result: JobResult,
    job_id: Hex32,
    worker_pubkey: Hex32,
    signature: Signature,
    completed_at: Moment,
  })
  .meta({ id: "SignedReceipt" });

/** Work as Phase describes it. */
export type JobSpec = z.infer<typeof JobSpec>;
/** The outcome of work. */
export type JobResult = z.infer<typeof JobResult>;
/** Work with the signature of its submitter. */
export type SignedManifest = z.infer<typeof SignedManifest>;
/** A result with the signature of its worker. */
export type SignedReceipt = z.infer<typeof SignedReceipt>;
