import { mostReplicas } from "@skep/trust";
import { z } from "zod";
import { leastEveryMs } from "./checkpoint-model.ts";
import { dataLabels, inlineBytes, mostInputs } from "./model.ts";

const JobNumber = z.union([z.string().regex(/^\d{1,15}(\.\d{1,4})?$/), z.int().min(0).transform(String)]);
const Digest = z.string().regex(/^[0-9a-f]{64}$/);
const Base64 = z.base64().max(Math.ceil(inlineBytes / 3) * 4);
const Args = z.array(z.string().max(4096)).max(64);
const Env = z
  .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/), z.string().max(4096))
  .refine((map) => Object.keys(map).length <= 64, "more than 64 names");

/** What work is for: owners of machines refuse some of it, policies and bans name it. */
const WorkClass = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/)
  .default("general");

/** Limits that a job asks for; the worker clamps them by its own. */
const Wanted = z.strictObject({
  wall_ms: z.int().min(1).max(3_600_000).optional(),
  memory_bytes: z
    .int()
    .min(65_536)
    .max(4 * 1024 ** 3)
    .optional(),
  fuel: z
    .string()
    .regex(/^[1-9]\d{0,17}$/)
    .optional(),
  stdout_bytes: z
    .int()
    .min(0)
    .max(1024 ** 3)
    .optional(),
  stderr_bytes: z
    .int()
    .min(0)
    .max(1024 ** 3)
    .optional(),
});

/** Which machines may have a job. */
const Where = z
  .strictObject({
    /** All of them. */
    labels: z
      .array(z.string().regex(/^[\w][\w.=/-]{0,62}$/))
      .max(16)
      .default([]),
    arch: z
      .string()
      .regex(/^[\w-]{0,32}$/)
      .default(""),
    memory_bytes: z.int().min(0).default(0),
    /** One of them. */
    classes: z
      .array(z.enum(["owned", "borrowed", "rented", "volunteer"]))
      .max(4)
      .default([]),
    /** Who may see what it works on: anybody, no volunteer, or owned machines only. */
    data: z.enum(dataLabels).default("internal"),
    attested: z.boolean().optional(),
  })
  .meta({ id: "JobWhere" });

/** What orders a job and when it is too late for it. */
const ordering = {
  where: Where.optional(),
  /** Among the jobs of the same owner. */
  priority: z.int().min(-100).max(100).default(0),
  /** From its submission on. */
  deadline_ms: z
    .int()
    .min(1)
    .max(30 * 24 * 3_600_000)
    .optional(),
};

/** A file that the module keeps while it runs, and that whoever has the job next goes on from. */
const Checkpoint = z
  .strictObject({
    /** Path as the module opens it; its folder is the only one that is open. */
    file: z
      .string()
      .max(256)
      .regex(/^\/?(?:[A-Za-z0-9_][\w.-]{0,63}\/){0,4}[A-Za-z0-9_][\w.-]{0,63}$/),
    /** How often it is stored, when it has changed. */
    every_ms: z
      .int()
      .min(leastEveryMs)
      .max(24 * 3_600_000)
      .default(60_000),
    /** Machines that allow less do not take the job. */
    max_bytes: z
      .int()
      .min(1)
      .max(256 * 1024 * 1024)
      .default(16 * 1024 * 1024),
  })
  .meta({ id: "JobCheckpoint" });

/** How many machines of different owners answer a job, and whether their bytes can be compared. */
const agreeing = {
  replicas: z.int().min(1).max(mostReplicas).optional(),
  quorum: z.int().min(1).max(mostReplicas).optional(),
  /** `loose`: two honest machines may give other bytes, so only how it ended is compared. */
  determinism: z.enum(["pure", "loose"]).default("pure"),
};

/** What a signed manifest carries in `input`, as UTF-8 JSON: the rest of what is to run. */
export const Details = z
  .strictObject({
    args: Args.default([]),
    env: Env.default({}),
    /** SHA-256 of the input, absent for none. */
    stdin: Digest.optional(),
    limits: Wanted.default({}),
    grade: z.enum(["fresh", "shared"]).default("shared"),
    class: WorkClass,
    checkpoint: Checkpoint.optional(),
    ...ordering,
    ...agreeing,
    /** One part of an array: place of its first input, inputs of the whole, SHA-256 over the digests of this part's, a line each. */
    array: z
      .strictObject({
        first: z.int().min(0).max(mostInputs),
        total: z.int().min(1).max(mostInputs),
        inputs: Digest,
      })
      .optional(),
    /** Makes two runs of the same thing two manifests. */
    nonce: z.string().max(64).optional(),
  })
  .meta({ id: "RunDetails" });

const Bytes = z.union([z.strictObject({ inline: Base64 }), z.strictObject({ digest: Digest })]);
const Stdin = z.union([...Bytes.options, z.strictObject({ job: JobNumber })]);

const Unsigned = z.strictObject({
  kind: z.enum(["wasm", "task"]),
  module: Digest.optional(),
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/)
    .optional(),
  args: Args.default([]),
  env: Env.default({}),
  limits: Wanted.default({}),
  grade: z.enum(["fresh", "shared"]).default("shared"),
  class: WorkClass,
  checkpoint: Checkpoint.optional(),
  ...ordering,
  ...agreeing,
});

/** Commands of `/jobs/ctl`. */
export const JobCommand = z
  .discriminatedUnion("op", [
    z.strictObject({
      op: z.literal("submit"),
      manifest: z.record(z.string(), z.unknown()).optional(),
      run: Unsigned.optional(),
      stdin: Stdin.optional(),
      /** Jobs that have to end well before it starts. */
      needs: z.array(JobNumber).max(64).default([]),
    }),
    z.strictObject({
      op: z.literal("array"),
      manifest: z.record(z.string(), z.unknown()),
      inputs: z.array(Bytes).min(1).max(1024),
      /** The array that these inputs are more of. */
      array: JobNumber.optional(),
    }),
    z.strictObject({ op: z.literal("cancel"), job: JobNumber }),
  ])
  .meta({ id: "JobCommand" });

const Output = z.strictObject({
  bytes: z.int().min(0),
  inline: Base64.optional(),
  digest: Digest.optional(),
});

const Kept = z.strictObject({ digest: Digest, bytes: z.int().min(0) });

/** Commands of `/worker/<id>/results`. */
export const ResultCommand = z
  .discriminatedUnion("op", [
    z.strictObject({
      op: z.literal("done"),
      job: JobNumber,
      reason: z.string().max(32).default("exit"),
      exit: z.int().min(0).max(4_294_967_295).nullable().default(0),
      message: z.string().max(512).default(""),
      stdout: Output.default({ bytes: 0 }),
      stderr: Output.default({ bytes: 0 }),
      receipt: z.record(z.string(), z.unknown()).optional(),
      peak_bytes: z.int().min(0).default(0),
      /** What the commitment was made with, where the lease asked for one. */
      salt: z
        .string()
        .regex(/^([0-9a-f]{64})?$/)
        .default(""),
    }),
    z.strictObject({ op: z.literal("commit"), job: JobNumber, commitment: Digest }),
    z.strictObject({ op: z.literal("checkpoint"), job: JobNumber, ...Kept.shape }),
    z.strictObject({
      op: z.literal("return"),
      job: JobNumber,
      /** False for a job that only waited here: that is no try. */
      started: z.boolean().default(true),
      /** `owner`: whoever the machine belongs to needs it, or does not take such work. */
      reason: z.literal("owner").optional(),
      /** What it kept last, where that was not told yet. */
      checkpoint: Kept.optional(),
    }),
    z.strictObject({ op: z.literal("renew") }),
  ])
  .meta({ id: "ResultCommand" });

export type JobCommand = z.output<typeof JobCommand>;
export type ResultCommand = z.output<typeof ResultCommand>;
export type Details = z.output<typeof Details>;
