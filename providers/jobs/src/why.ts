import type { Json, Scene } from "@skep/kernel";
import { containTouches } from "./contain.ts";
import type { Ended, Forgotten, Leased } from "./events.ts";
import type { Job, Jobs } from "./model.ts";
import { recordOf } from "./arrays.ts";
import type { Machines } from "./place.ts";
import { whyText } from "./render.ts";

/** Tells which records led to a record and from it, by its sequence. */
export interface Chain {
  /** For people. */
  lines(seq: string): Promise<string>;
  /** For programs, with proofs. */
  whole(seq: string): Promise<Json>;
}

interface Known {
  readonly chain?: Chain;
}

type At = Pick<Scene<Jobs, Machines>, "state" | "views" | "now">;

/** Why a job is as it is: one line, then the chain of its records. */
export async function whyOf(job: Job, at: At, { chain }: Known): Promise<string> {
  const own = whyText(job, at);
  return chain ? `${own}${await chain.lines(String(recordOf(job.id)))}` : own;
}

/** The same for programs, proofs included. */
export async function whyJson(job: Job, at: At, { chain }: Known): Promise<Json> {
  const why = whyText(job, at).trimEnd();
  return chain ? { why, chain: await chain.whole(String(recordOf(job.id))) } : { why };
}

const one = ({ job }: { readonly job: string }): string => `/jobs/${job}`;
const many = ({ jobs }: { readonly jobs: readonly string[] }): string[] => jobs.map((job) => `/jobs/${job}`);

/** Which files an event changes. */
export const touches = {
  ...containTouches,
  "submitted@1": one,
  "arrayed@1": ({ array }: { readonly array: string }) => `/jobs/${array}`,
  "array-canceled@1": ({ array }: { readonly array: string }) => `/jobs/${array}`,
  "swept@1": many,
  "leased@1": (leased: Leased) => one(leased),
  "ended@1": (ended: Ended) => one(ended),
  "late@1": one,
  "replicated@1": one,
  "committed@1": one,
  "reveal@1": one,
  "revealed@1": one,
  "unanswered@1": one,
  "widened@1": one,
  "settled@1": one,
  "auditing@1": one,
  "audited@1": one,
  "canceled@1": one,
  "returned@1": one,
  "unstarted@1": one,
  "expired@1": many,
  "forgotten@1": ({ told }: Forgotten) => Object.keys(told ?? {}).map((job) => `/jobs/${job}`),
} as const;
