import { createPublicKey, verify } from "node:crypto";
import { canonicalUtf8 } from "@skep/canon";
import { verifyReceipt } from "@skep/receipt";
import { z } from "zod";
import { keeps } from "./commit.ts";
import { joins, type Party } from "./machine.ts";
import { answerKey, count } from "./vote.ts";

const hex = (digits: number) => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`));
const Hex = z.string().regex(/^([0-9a-f]{2})*$/);

const Replica = z.strictObject({
  worker: z.string().max(64),
  key: Hex,
  owner: z.string().max(256),
  class: z.enum(["owned", "borrowed", "rented", "volunteer"]),
  try: z.int().min(0),
  verdict: z.enum(["agreed", "dissent", "no-answer"]),
  why: z.string().max(256),
  reason: z.string().max(32),
  commitment: Hex,
  salt: Hex,
  committed_ms: z.int(),
  revealed_ms: z.int(),
  receipt: z.record(z.string(), z.unknown()).nullable(),
});

/** The verdict on several answers to one job, as `/jobs/<id>/receipt` has it. */
const SignedVerdict = z.strictObject({
  format: z.literal("skep-verdict:v1"),
  job: z.string().max(32),
  job_id: hex(64),
  rule: z.strictObject({
    replicas: z.int(),
    quorum: z.int().min(1),
    why: z.string(),
    class: z.enum(["pure", "loose"]),
    owners: z.string(),
    policy: z.string(),
  }),
  answer: z.string().nullable(),
  replicas: z.array(Replica).max(32),
  hive: z.string().optional(),
  hive_key: hex(64).optional(),
  signature: hex(128).optional(),
});

/** The verdict on several answers to one job. */
export type SignedVerdict = z.infer<typeof SignedVerdict>;
type Replica = SignedVerdict["replicas"][number];

/** What a third party finds in a verdict. */
export type VerdictCheck =
  | { readonly ok: true; readonly verdict: SignedVerdict; readonly signed: boolean }
  | { readonly ok: false; readonly why: string };

const spki = Buffer.from("302a300506032b6570032100", "hex");

function signedBy(verdict: SignedVerdict, key: string): boolean {
  const { hive_key: _key, signature, ...body } = verdict;
  if (signature === undefined) return false;
  const der = Buffer.concat([spki, Buffer.from(key, "hex")]);
  const message = Buffer.from(`skep-verdict:v1:${canonicalUtf8(body)}`);
  const publicKey = createPublicKey({ key: der, format: "der", type: "spki" });
  return verify(null, message, publicKey, Buffer.from(signature, "hex"));
}

/** What a replica answered, by its own receipt and commitment; why not where it is none. */
function answerOf(
  replica: Replica,
  { job, job_id: jobId, rule }: SignedVerdict,
): { answer?: string; why: string } {
  const { receipt, key, commitment, salt, reason, worker, try: attempt } = replica;
  if (!receipt || key.length !== 64) return { why: "no receipt" };
  const read = verifyReceipt(receipt, key, { jobId });
  if (!read.ok) return { why: `${read.failed}: ${read.why}` };
  const { extra } = read.receipt.result.metrics;
  if (extra.job !== job || (extra.try ?? String(attempt)) !== String(attempt))
    return { why: "of another try" };
  const output = Buffer.from(read.receipt.result.output_commitment);
  if (!keeps(commitment, { output, salt, worker: key, job, try: attempt }))
    return { why: "not what was committed to" };
  const exit = read.receipt.result.completion === "stop" ? Number(extra.exit_code) : null;
  const ended = exit === null ? reason : "exit";
  const loose = rule.class === "loose";
  return { answer: answerKey({ reason: ended, exit, output: output.toString("hex"), loose }), why: worker };
}

function problemOf(verdict: SignedVerdict): string | undefined {
  const { replicas, rule, answer } = verdict;
  const seated: Party[] = [];
  const votes: { seat: string; answer: string }[] = [];
  for (const replica of replicas) {
    const { worker, owner, class: of } = replica;
    if (!joins({ owner, class: of }, seated)) return `${worker} has the owner of another replica`;
    seated.push({ owner, class: of });
    const told = answerOf(replica, verdict);
    // Who is called agreed must be so by its own signature; who is not was perhaps late, and a receipt does not tell.
    if (told.answer === undefined && replica.verdict === "agreed") return `${worker}: ${told.why}`;
    const voted =
      replica.verdict === "agreed" || replica.why === "wrong-output" || replica.why === "no quorum";
    if (told.answer !== undefined && voted) votes.push({ seat: worker, answer: told.answer });
  }
  const counted = count(votes, rule.quorum);
  if ((counted.answer ?? null) !== answer) return `the answers come to ${counted.answer ?? "no quorum"}`;
  const agreed = replicas.filter((one) => one.verdict === "agreed").map(({ worker }) => worker);
  return agreed.join() === counted.agreed.join() ? undefined : "other machines agreed than it says";
}

/**
 * Checks a verdict offline: every receipt by its worker's key, every commitment, that no two owners are one, and the
 * count. With the hive's key its signature too: that is what binds the owners, whom no receipt can tell.
 */
export function checkVerdict(value: unknown, hiveKey?: string): VerdictCheck {
  const read = SignedVerdict.safeParse(value);
  if (!read.success) return { ok: false, why: `it is no verdict: ${read.error.issues[0]?.path.join(".")}` };
  const verdict = read.data;
  if (hiveKey !== undefined && !signedBy(verdict, hiveKey))
    return { ok: false, why: "the hive's key did not sign it" };
  const problem = problemOf(verdict);
  return problem === undefined
    ? { ok: true, verdict, signed: hiveKey !== undefined }
    : { ok: false, why: problem };
}
