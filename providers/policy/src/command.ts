import { z } from "zod";

const FileName = z.string().regex(/^[\w.-]{1,64}\.(cedar|cedarschema|test\.json)$/);
const Text = z.string().max(60 * 1024);
const Age = z
  .int()
  .min(0)
  .max(36_500 * 86_400_000);

/** Commands of `/policy/ctl`. */
export const PolicyCommand = z
  .discriminatedUnion("op", [
    z.strictObject({ op: z.literal("stage"), file: FileName, at: z.int().min(0), text: Text }),
    z
      .strictObject({
        op: z.literal("apply"),
        files: z.record(FileName, Text).optional(),
        staged: z.array(FileName).max(64).optional(),
      })
      .refine(({ files, staged }) => files !== undefined || staged !== undefined, "expected files or staged"),
    z.strictObject({ op: z.literal("rollback"), version: z.int().min(0).optional() }),
    z.strictObject({
      op: z.literal("signers"),
      allowed: Text,
      roles: Text,
      groups: Text.default(""),
      /** Keys that count no more: their lines, or `krl:` and a KRL of ssh-keygen in base64. */
      revoked: Text.default(""),
    }),
    z.strictObject({
      op: z.literal("retention"),
      outputs_age_ms: Age,
      outputs_size: z.int().min(0),
      ended_jobs_age_ms: Age,
    }),
    /** A C2SP tlog-policy; empty for no witnesses. */
    z.strictObject({ op: z.literal("witnesses"), policy: z.string().max(16 * 1024) }),
  ])
  .meta({ id: "PolicyCommand" });

export type PolicyCommand = z.output<typeof PolicyCommand>;

/** Commands of `/actions/queue`: for the queue, or for an action that waits. */
export const QueueCommand = z
  .union([
    z.strictObject({
      id: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
      target: z.string().min(1).max(1024).startsWith("/"),
      decision: z.enum(["approve", "deny"]),
    }),
    z.strictObject({
      action: z.string().regex(/^\d{1,15}$/),
      decision: z.literal("approve"),
      signature: z.string().max(8192).optional(),
      /** The text that was signed, where it comes back from elsewhere: then what is wrong with it can be told. */
      statement: z
        .string()
        .max(12 * 1024)
        .optional(),
    }),
    z.strictObject({
      action: z.string().regex(/^\d{1,15}$/),
      decision: z.literal("reject"),
      reason: z.string().min(1).max(512),
    }),
    z.strictObject({
      action: z.string().regex(/^\d{1,15}$/),
      comment: z.string().min(1).max(1024),
    }),
  ])
  .meta({ id: "QueueCommand" });

export type QueueCommand = z.output<typeof QueueCommand>;
