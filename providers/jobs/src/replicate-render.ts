import { canonicalUtf8 } from "@skep/canon";
import { printJson } from "@skep/text";
import type { Json } from "@skep/kernel";
import type { Job, Jobs } from "./model.ts";
import { standingOf, type Verdict } from "./replicate-model.ts";

/** Signs text for the hive with the key of its identity. */
export interface Signs {
  /** Ed25519 public key, hex. */
  readonly key: string;
  /** Name of the hive. */
  readonly hive: string;
  /** Signature over these bytes, hex. */
  sign(message: Uint8Array): string;
}

/** What a worker is told beside its job, for its receipt: whose it is taken for, and under which rule and configuration it works. */
export function termsOf(state: Jobs, job: Job, worker: string): Record<string, Json> {
  const { class: of, owner } = standingOf(state, worker);
  const ballot = state.ballots.get(job.id);
  const { replicas, quorum } = ballot?.rule ?? job.rule ?? { replicas: 1, quorum: 1 };
  const asks = ballot && !ballot.audits ? { commit: true } : {};
  const { data } = job.where;
  // An auditor must not be told from one who works alone.
  const rule = ballot?.audits ? "1/1" : `${quorum}/${replicas}`;
  const hash = state.configured.get();
  const configured = hash === "" ? {} : { hive_manifest: `sha256:${hash}` };
  const policy = `v${state.policy.get()}`;
  return { ...asks, terms: { class: of, owner, label: data, rule, policy, ...configured } };
}

const word = "skep-verdict:v1:";

/** A verdict as it is read: with the hive's signature over all of it, where the hive has a key. */
function verdictJson(verdict: Verdict, { signs }: { readonly signs?: Signs | undefined }): Json {
  const body = { format: "skep-verdict:v1", ...verdict, ...(signs ? { hive: signs.hive } : {}) };
  if (!signs) return body as unknown as Json;
  const signature = signs.sign(Buffer.from(`${word}${canonicalUtf8(body)}`));
  return { ...body, hive_key: signs.key, signature } as unknown as Json;
}

/** `receipt` of a job. */
export function receiptText(
  { end }: Job,
  verdict: Verdict | undefined,
  deps: { readonly signs?: Signs | undefined },
): string {
  if (verdict) return `${printJson(verdictJson(verdict, deps))}\n`;
  return end?.receipt ? `${printJson(end.receipt)}\n` : "";
}
