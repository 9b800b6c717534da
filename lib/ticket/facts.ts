import { Claims } from "./claims.ts";
import { fault } from "./faults.ts";

const budgetNames = ["ops", "bytes", "ttl", "resumes", "advances"] as const;

/** A value in a fact; an instant is in seconds since 1970. */
export type Term = string | number | { readonly instant: number };
/** A fact by its name. */
export type Fact = readonly [name: string, ...terms: Term[]];

/** What a block says: facts, and at most one check, its expiry in seconds since 1970. */
export interface Sayings {
  readonly facts: readonly Fact[];
  readonly expiry: number | undefined;
}

interface Draft {
  subject?: string;
  role?: string;
  hive?: string;
  rights?: { path: string; verb: string; rate?: number }[];
  budgets?: Record<string, number>;
  issuedAt?: number;
  expiresAt?: number;
}

/** What a block with these claims says, in the order in which it says it. */
export function sayingsOf(claims: Claims): Sayings {
  const facts: Fact[] = [];
  for (const name of ["subject", "role", "hive"] as const) {
    const value = claims[name];
    if (value !== undefined) facts.push([name, value]);
  }
  for (const { path, verb, rate } of claims.rights ?? [])
    facts.push(rate === undefined ? ["right", path, verb] : ["right", path, verb, rate]);
  for (const name of budgetNames) {
    const amount = claims.budgets?.[name];
    if (amount !== undefined) facts.push(["budget", name, amount]);
  }
  if (claims.issuedAt !== undefined) facts.push(["issued", { instant: Math.floor(claims.issuedAt / 1000) }]);
  const { expiresAt } = claims;
  return { facts, expiry: expiresAt === undefined ? undefined : Math.floor(expiresAt / 1000) };
}

function once(draft: Draft, name: "subject" | "role" | "hive", [value, ...more]: Term[]): void {
  if (typeof value !== "string" || more.length > 0 || draft[name] !== undefined)
    throw fault["unknown-fact"](name);
  draft[name] = value;
}

/** Every fact that a block may hold; a later release may add a row, and earlier ones will then refuse it. */
const readers: Readonly<Record<string, (draft: Draft, terms: Term[]) => void>> = {
  subject: (draft, terms) => once(draft, "subject", terms),
  role: (draft, terms) => once(draft, "role", terms),
  hive: (draft, terms) => once(draft, "hive", terms),
  right(draft, [path, verb, rate]) {
    if (typeof path !== "string" || typeof verb !== "string") throw fault["unknown-fact"]("right");
    if (rate !== undefined && typeof rate !== "number") throw fault["unknown-fact"]("right");
    draft.rights ??= [];
    draft.rights.push(rate === undefined ? { path, verb } : { path, verb, rate });
  },
  budget(draft, [name, amount, ...more]) {
    const known = budgetNames.find((each) => each === name);
    if (!known || typeof amount !== "number" || more.length > 0) throw fault["unknown-fact"]("budget");
    draft.budgets ??= {};
    if (draft.budgets[known] !== undefined) throw fault["unknown-fact"]("budget");
    draft.budgets[known] = amount;
  },
  issued(draft, [at, ...more]) {
    if (typeof at !== "object" || more.length > 0 || draft.issuedAt !== undefined)
      throw fault["unknown-fact"]("issued");
    draft.issuedAt = at.instant * 1000;
  },
};

/** The claims of a block that says this; throws `ticket.unknown-fact` for what is not in the vocabulary. */
export function claimsOf({ facts, expiry }: Sayings): Claims {
  const draft: Draft = {};
  for (const [name, ...terms] of facts) {
    if (!Object.hasOwn(readers, name)) throw fault["unknown-fact"]();
    readers[name]?.(draft, terms);
  }
  if (expiry !== undefined) draft.expiresAt = expiry * 1000;
  const parsed = Claims.safeParse(draft);
  if (!parsed.success) throw fault["unknown-fact"](parsed.error.issues[0]?.path.join("."));
  return parsed.data;
}
