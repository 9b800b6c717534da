import type { Caller } from "../namespace/node.ts";

/** Budgets that a block of a ticket carries; uses count against it and all blocks before it. */
export interface BlockBudget {
  /** Revocation id, hex. */
  readonly id: string;
  readonly ops?: number;
  readonly bytes?: number;
}

/** A token bucket that a use must be taken from. */
export interface Meter {
  /** Rights that share it share the bucket. */
  readonly key: string;
  /** Uses per second. */
  readonly rate: number;
}

/** What a right allows at a path. */
export interface Grant {
  /** Every bucket that a use counts against; none for the default rate. */
  readonly meters: readonly Meter[];
}

/** A verified ticket, however it was written: rights compiled once, at attach. */
export interface Authority {
  readonly subject: string;
  readonly role: string;
  /** Milliseconds since 1970. */
  readonly expiresAt?: number | undefined;
  readonly blocks: readonly BlockBudget[];
  /** The tightest grant for a verb (`read`, `write` or a named right) at a path. */
  allows(path: string, verb: string): Grant | undefined;
  /** Whether some right lies at, above or below a path: otherwise the path is absent. */
  touches(path: string): boolean;
}

/** The authority of whoever owns the home, and of the system itself. */
export function fullAuthority(subject: string, role = "queen", id = "owner"): Authority {
  const grant = { meters: [] };
  return { subject, role, blocks: [{ id }], allows: () => grant, touches: () => true };
}

/** The authority of the system itself; it belongs to no ticket. */
export const nobody: Authority = {
  subject: "system",
  role: "system",
  blocks: [],
  allows: () => ({ meters: [] }),
  touches: () => true,
};

/** The caller that renderers and deciders see. */
export function callerOf(authority: Authority, session: string): Caller {
  return {
    subject: authority.subject,
    role: authority.role,
    session,
    blocks: authority.blocks.map(({ id }) => id),
    may: (path, right) => authority.allows(path, right) !== undefined,
    reaches: (path) => authority.touches(path),
  };
}
