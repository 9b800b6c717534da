import { hash } from "node:crypto";
import type { Budgets, Role } from "./claims.ts";
import { effectiveOf } from "./effective.ts";
import { fault } from "./faults.ts";
import { openPlain } from "./plain.ts";
import type { Rights } from "./rights.ts";
import { type Block, blocksOf, checkText, openBy, type Roots } from "./token.ts";

/** How far ahead of the verifier's clock a ticket may be issued, in milliseconds. */
const skew = 5000;

/** What a ticket is verified against. */
export interface Verification extends Roots {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Id of the hive that is asked. */
  readonly hive: string;
  /** True when the block of this revocation id, and so every ticket that has it, is revoked. */
  readonly revoked?: (blockId: string) => boolean;
}

/** A verified ticket: what its blocks allow together. */
export interface Ticket extends Rights {
  readonly subject: string;
  readonly role: Role;
  readonly hive: string;
  /** Milliseconds since 1970; still valid at that moment. Undefined when it never expires. */
  readonly expiresAt: number | undefined;
  /** From the root's block to the last; a use counts against the budgets of all of them. */
  readonly blocks: readonly { readonly id: string; readonly budgets: Budgets }[];
}

/**
 * What a token's bytes say for ever, whoever asks and when: nothing in it depends on time, hive or revocations. Rights are
 * compiled at each use, because compiled they can take a hundred times the room of the token.
 */
interface Reading {
  /** The root key that signed it. */
  readonly root: string;
  readonly blocks: readonly Block[];
}

/** Asked anew at every use of a ticket, however often its signatures were verified before. */
function judge({ blocks }: Reading, against: Verification): Ticket {
  const { subject, role, hive, issuedAt, expiresAt, rights } = effectiveOf(blocks);
  if (hive !== against.hive) throw fault["wrong-hive"](hive);
  if (blocks.some(({ id }) => against.revoked?.(id))) throw fault.revoked();
  if (issuedAt > against.now + skew) throw fault["not-yet-valid"]();
  if (expiresAt !== undefined && against.now > expiresAt) throw fault.expired();
  return {
    subject,
    role,
    hive,
    expiresAt,
    blocks: blocks.map(({ id, claims }) => ({ id, budgets: claims.budgets ?? {} })),
    ...rights,
  };
}

function plainly(token: string, { rootPublicKeys }: Roots): Reading | undefined {
  const plain = openPlain(token, rootPublicKeys);
  return plain && { root: plain.root, blocks: [plain.block] };
}

/**
 * The library holds the signatures, not the judgement: the only check that a block may have is its expiry, which `judge`
 * sees. To let the library evaluate it as well says the same (agreement.test.ts) and costs 40 MB and a fifth of a second.
 */
async function byLibrary(token: string, against: Verification): Promise<Reading> {
  const { opened, root } = await openBy(token, against);
  using held = opened;
  return { root, blocks: blocksOf(held) };
}

/** Verifies tickets, and remembers the readings of the last ones. */
export interface Verifier {
  /**
   * Verifies a ticket and compiles what it allows. Throws, in this order: `ticket.oversize`, `ticket.malformed`,
   * `ticket.forged`, `ticket.unknown-fact`, `ticket.widens`, `ticket.wrong-hive`, `ticket.revoked`,
   * `ticket.not-yet-valid` (issued more than 5 s ahead), `ticket.expired`.
   */
  verify(token: string, against: Verification): Promise<Ticket>;
}

/**
 * A verifier that remembers at most so many tickets that it accepted, by the digest of their text, with the root key
 * that signed each. Remembered is what the signed bytes say and never a verdict: hive, revocation, issue and expiry are
 * judged at each call, and a reading counts only while its root key is among those given.
 */
export function createVerifier({ remembers = 0 }: { readonly remembers?: number } = {}): Verifier {
  const readings = new Map<string, Reading>();

  function remember(key: string, reading: Reading): void {
    readings.delete(key);
    readings.set(key, reading);
    for (const oldest of readings.keys()) {
      if (readings.size <= remembers) return;
      readings.delete(oldest);
    }
  }

  return {
    async verify(token, against) {
      checkText(token);
      const key = remembers > 0 ? hash("sha256", token, "base64url") : "";
      const known = readings.get(key);
      readings.delete(key);
      const reading =
        known && against.rootPublicKeys.includes(known.root)
          ? known
          : (plainly(token, against) ?? (await byLibrary(token, against)));
      const ticket = judge(reading, against);
      if (remembers > 0) remember(key, reading);
      return ticket;
    },
  };
}

const forgetful = createVerifier();

/** Verifies a ticket that will hardly come again: as `Verifier.verify`, with nothing remembered. */
export function verify(token: string, against: Verification): Promise<Ticket> {
  return forgetful.verify(token, against);
}
