import type { Budgets, Claims, Role } from "./claims.ts";
import { fault } from "./faults.ts";
import { compileRights, type Rights } from "./rights.ts";
import type { Block } from "./token.ts";

/** What all blocks say together. */
export interface Effective {
  readonly subject: string;
  readonly role: Role;
  readonly hive: string;
  /** Milliseconds since 1970, the latest of all blocks. */
  readonly issuedAt: number;
  /** Milliseconds since 1970, the earliest that a block sets by date or `ttl`; undefined when none does. */
  readonly expiresAt: number | undefined;
  readonly rights: Rights;
}

/** The root block with everything that it must say. */
function rootOf({ claims }: Block): Omit<Effective, "rights"> {
  const { subject, role, hive, rights, issuedAt } = claims;
  if (subject === undefined || role === undefined || hive === undefined) throw fault.malformed();
  if (rights === undefined || issuedAt === undefined) throw fault.malformed();
  return { subject, role, hive, issuedAt, expiresAt: earliest(expiriesOf(claims, issuedAt)) };
}

/** Expiries that a block sets: its own, and its `ttl` in seconds from when it was issued. */
function expiriesOf({ expiresAt, budgets, issuedAt }: Claims, issuedAbove: number): number[] {
  const ttl = budgets?.ttl;
  const ends = ttl === undefined ? undefined : (issuedAt ?? issuedAbove) + ttl * 1000;
  return [expiresAt, ends].filter((at) => at !== undefined);
}

function earliest(expiries: readonly number[]): number | undefined {
  return expiries.length > 0 ? Math.min(...expiries) : undefined;
}

/** A later block may only stay, or go below: a subject to a child of itself, a role only away from queen. */
function step(above: Omit<Effective, "rights">, claims: Claims): Omit<Effective, "rights"> {
  const { subject = above.subject, role = above.role, hive = above.hive } = claims;
  if (subject !== above.subject && !subject.startsWith(`${above.subject}/`)) throw fault.widens("subject");
  if (role !== above.role && above.role !== "queen") throw fault.widens("role");
  if (hive !== above.hive) throw fault.widens("hive");
  const ends = above.expiresAt === undefined ? [] : [above.expiresAt];
  return {
    subject,
    role,
    hive,
    issuedAt: Math.max(above.issuedAt, claims.issuedAt ?? 0),
    expiresAt: earliest([...ends, ...expiriesOf(claims, above.issuedAt)]),
  };
}

/** Folds the blocks; throws `ticket.widens` when a later block contradicts an earlier one. */
export function effectiveOf(blocks: readonly Block[]): Effective {
  const [first, ...later] = blocks;
  if (!first) throw fault.malformed();
  const folded = later.reduce((above, { claims }) => step(above, claims), rootOf(first));
  return {
    ...folded,
    rights: compileRights(blocks.map(({ id, claims }) => ({ id, rights: claims.rights ?? [] }))),
  };
}

function isBudgetWider(above: Budgets | undefined, below: Budgets): boolean {
  return (Object.keys(below) as (keyof Budgets)[]).some((name) => {
    const had = above?.[name];
    return had !== undefined && (below[name] ?? 0) > had;
  });
}

/** Refuses at narrowing what would have no effect at verification: asking for more than there is. */
export function refuseWidening(blocks: readonly Block[], claims: Claims): void {
  const above = effectiveOf(blocks);
  step(above, claims);
  for (const { path, verb } of claims.rights ?? []) {
    const verbs = verb === "rw" ? ["read", "write"] : [verb];
    if (!verbs.every((each) => above.rights.allows(path, each))) throw fault.widens(`${verb} ${path}`);
  }
  if (claims.expiresAt !== undefined && claims.expiresAt > (above.expiresAt ?? Number.POSITIVE_INFINITY))
    throw fault.widens("expiry");
  if (claims.budgets && blocks.some((block) => isBudgetWider(block.claims.budgets, claims.budgets ?? {})))
    throw fault.widens("budget");
}
