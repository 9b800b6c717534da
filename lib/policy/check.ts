import { type Describe, testPolicies } from "./cases.ts";
import type { Problem } from "./positions.ts";
import { PolicySet } from "./set.ts";
import { loadPolicies, type Policy, type PolicyFiles } from "./source.ts";

/** What a hive's controls do. */
export interface KnownActs {
  names(): Iterable<string>;
  readonly describe: Describe;
}

/** A set as it was checked whole; plain data, so that another thread can tell it. */
export interface CheckedSet {
  readonly policies: readonly Policy[];
  /** Everything wrong with the texts; where nothing is, what the cases find. */
  readonly problems: readonly Problem[];
  /** Cases that hold. */
  readonly passed: number;
}

/** Reads and validates a set, then runs its cases: half a second for the first set of a process. */
export function checkSet(files: PolicyFiles, acts: KnownActs): CheckedSet {
  const { policies, problems } = loadPolicies(files, acts.names());
  if (problems.length > 0) return { policies, problems, passed: 0 };
  return { policies, ...testPolicies(files, new PolicySet(policies), acts.describe) };
}
