import { z } from "zod";

const Digest = z.string().regex(/^sha256:[0-9a-f]{64}$/);
const Decimal = z.string().regex(/^(?:0|[1-9]\d{0,19})$/);
const Name = z.string().min(1).max(256);

/** What Skep writes under `metrics.extra`, every value a string; other writers may leave out all but the first two. */
const RunFacts = z.strictObject({
  /** SHA-256 of the module as it was submitted. */
  module_hash: Digest,
  /** What the module ended with. */
  exit_code: z.string().regex(/^(?:0|[1-9]\d{0,9})$/),
  stdin_hash: Digest,
  /** SHA-256 over the canonical JSON of the limits that were applied. */
  limits_hash: Digest,
  /** Sandbox layers that were in force, sorted and joined by `+`; `none` when there was none. */
  sandbox: z.string().regex(/^[a-z0-9-]+(?:\+[a-z0-9-]+)*$/),
  grade: z.enum(["fresh", "shared"]),
  worker: Name,
  hive: Name,
  /** Number of the job's record in the hive. */
  job: Name,
  /** Position in the journal of the record that let the job run. */
  journal: Decimal,
  /** Number of the try, from 1: a receipt of another try is a replay. */
  try: Decimal.optional(),
  /** What the job had kept before, and this run went on from; absent where it began anew. */
  checkpoint: Digest.optional(),
  /** Class of the machine, and whose it is, as the hive has it. */
  class: z.enum(["owned", "borrowed", "rented", "volunteer"]).optional(),
  owner: Name.optional(),
  /** Who may see what the job works on. */
  label: z.enum(["public", "internal", "private"]).optional(),
  /** Machines that must agree, and that answer: `2/3`. */
  rule: z
    .string()
    .regex(/^[1-9]\/[1-9]$/)
    .optional(),
  /** Version of the policies in force: `v3`. */
  policy: z
    .string()
    .regex(/^v\d{1,15}$/)
    .optional(),
  /** Fingerprint of what the hive was configured to when it gave the job to the worker: SHA-256 of its manifest. */
  hive_manifest: Digest.optional(),
});

/** Facts of a run beyond what Phase's metrics hold. */
export type RunFacts = z.infer<typeof RunFacts>;

/** Checks the facts of a run and gives them as `metrics.extra` takes them. Throws a ZodError naming the field. */
export function printRunFacts(facts: RunFacts): Record<string, string> {
  return Object.fromEntries(
    Object.entries(RunFacts.parse(facts)).filter(([, value]) => value !== undefined),
  ) as Record<string, string>;
}

/** Reads the facts back out of a receipt that Skep wrote; undefined when another writer's lacks some of them. */
export function readRunFacts(extra: Readonly<Record<string, string>>): RunFacts | undefined {
  const known = Object.entries(extra).filter(([key]) => Object.hasOwn(RunFacts.shape, key));
  return RunFacts.safeParse(Object.fromEntries(known)).data;
}
