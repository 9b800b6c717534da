import type { Limits } from "./model.ts";
import type { Machines } from "./place.ts";

/** Views that jobs use. */
export interface Uses extends Machines {
  readonly cas: {
    sizeFor(digest: string, subject: string): number | undefined;
    size(digest: string): number | undefined;
  };
  /** NCU that an owner gave, for priority; nobody gave any where there is no ledger. */
  readonly ledger?: { ncu(owner: string): number };
}

/** Limits where a job names none, and the most that it may ask for. */
export interface JobLimits {
  readonly standard: Limits;
  readonly most: Limits;
}
