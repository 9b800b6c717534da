import { z } from "zod";

/** What a ticket's bearer is. */
export const roles = [
  "queen",
  "worker",
  "worker-heartbeat",
  "worker-gpu",
  "worker-bus",
  "worker-lora",
  "observer",
  "agent",
  "publisher",
] as const;

/** Hard limits on what is minted and accepted. */
export const limits = { blocks: 8, base64: 8192, rights: 32, path: 512, depth: 16, component: 255 } as const;

const subjectForm = /^[\w.@:+-]{1,64}(?:\/[\w.@:+-]{1,64}){0,7}$/;
const hiveForm = /^[\w.:-]{1,128}$/;
const verbForm = /^(?:\*|[a-z][a-z0-9]*(?:[.-][a-z0-9]+)*)$/;
/** Biscuit prints strings without escapes, so what would need one has no place in a ticket. */
const unprintable = /[\p{C}"\\]/u;

function isPath(text: string): boolean {
  if (text === "/") return true;
  if (!text.startsWith("/") || text.length > limits.path || unprintable.test(text)) return false;
  const steps = text.slice(1).split("/");
  return (
    steps.length <= limits.depth &&
    steps.every((s) => s !== "" && s !== "." && s !== ".." && Buffer.byteLength(s) <= limits.component)
  );
}

const count = z.int().min(0);
const seconds = z.int().min(0).max(253_402_300_799_999);

const Right = z.strictObject({
  path: z.string().refine(isPath, "not a path"),
  verb: z.string().max(64).regex(verbForm),
  rate: z.int().min(1).max(1_000_000).optional(),
});

const Budgets = z.strictObject({
  ops: count.optional(),
  bytes: count.optional(),
  ttl: count.optional(),
  resumes: count.optional(),
  advances: count.optional(),
});

function isRepeated(rights: readonly { path: string; verb: string }[]): boolean {
  return new Set(rights.map(({ path, verb }) => `${verb} ${path}`)).size < rights.length;
}

/** The schema of one block's claims. */
export const Claims = z
  .strictObject({
    subject: z.string().regex(subjectForm).optional(),
    role: z.enum(roles).optional(),
    hive: z.string().regex(hiveForm).optional(),
    rights: z
      .array(Right)
      .min(1)
      .max(limits.rights)
      .refine((rights) => !isRepeated(rights), "a right is repeated")
      .optional(),
    budgets: Budgets.optional(),
    issuedAt: seconds.optional(),
    expiresAt: seconds.optional(),
  })
  .meta({ id: "TicketClaims" });

/** The schema of a root block's claims. */
export const RootClaims = Claims.required({
  subject: true,
  role: true,
  hive: true,
  rights: true,
  issuedAt: true,
});

/** One of the closed list of roles. */
export type Role = (typeof roles)[number];
/** Leave to use a verb at a path and below it, at most `rate` times a second. */
export type Right = z.infer<typeof Right>;
/** What a block lets be used up in all; each is counted by whoever honours the ticket, under the block's id. */
export type Budgets = z.infer<typeof Budgets>;
/** What one block says; times in milliseconds since 1970, kept in whole seconds. */
export type Claims = z.infer<typeof Claims>;
/** What the first block must say. */
export type RootClaims = z.infer<typeof RootClaims>;
