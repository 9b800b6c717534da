export {
  type Budgets,
  type Claims,
  limits,
  type Right,
  type Role,
  type RootClaims,
  roles,
} from "./claims.ts";
/** What a ticket allows, and the token buckets that a use counts against. */
export type { Grant, Meter, Rights } from "./rights.ts";
export { prepare } from "./prepare.ts";
export { createRoot, type Root } from "./root.ts";
export {
  type Description,
  describe,
  mint,
  narrow,
  seal,
} from "./ticket.ts";
/** One block of a ticket, and the keys that tickets are opened with. */
export type { Block, Roots } from "./token.ts";
export { createVerifier, type Ticket, type Verification, type Verifier, verify } from "./verify.ts";
