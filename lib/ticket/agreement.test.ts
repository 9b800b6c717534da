import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault } from "@skep/fault";
import fc from "fast-check";
import { library } from "./biscuit.ts";
import { printBlock } from "./datalog.ts";
import { printInstant } from "./instant.ts";
import { type Claims, createRoot, mint, verify } from "./mod.ts";
import { open } from "./token.ts";

const root = createRoot(Buffer.alloc(32, 7));
const roots = { rootPublicKeys: [root.publicKey] };
const start = 1_779_896_995_000;

interface Authorizer {
  [Symbol.dispose](): void;
  authorizeWithLimits(limits: Record<string, number>): number;
}
interface Evaluator {
  readonly AuthorizerBuilder: new () => {
    addCode(source: string): void;
    buildAuthenticated(token: unknown): Authorizer;
  };
}

/** What another Biscuit verifier says, which knows nothing of claims and evaluates the checks of all blocks. */
async function isAllowedByLibrary(text: string, now: number): Promise<boolean> {
  const { AuthorizerBuilder } = (await library()) as unknown as Evaluator;
  using token = await open(text, roots);
  const builder = new AuthorizerBuilder();
  builder.addCode(`time(${printInstant(Math.floor(now / 1000))}); allow if true;`);
  try {
    using authorizer = builder.buildAuthenticated(token);
    authorizer.authorizeWithLimits({ max_facts: 1000, max_iterations: 100, max_time_micro: 1_000_000 });
    return true;
  } catch {
    return false;
  }
}

/** Whatever a holder says in a block, also what `narrow` would not write. */
async function append(text: string, claims: Claims): Promise<string> {
  const builder = (await library()).Biscuit.block_builder();
  builder.addCode(printBlock(claims));
  using above = await open(text, roots);
  using below = above.appendBlock(builder);
  return below.toBase64();
}

test("what is accepted here the library's own evaluation allows, and what it denies has expired here", async () => {
  const ends = fc.option(
    fc.integer({ min: -3, max: 6 }).map((seconds) => start + seconds * 1000),
    { nil: undefined },
  );
  const later = fc.integer({ min: -4000, max: 8000 });
  const first = { subject: "alice", role: "queen", hive: "home", issuedAt: start } as const;
  const rights = Array.from({ length: 8 }, (_, at) => ({ path: `/r${at}`, verb: "rw" }));
  await fc.assert(
    fc.asyncProperty(fc.array(ends, { minLength: 1, maxLength: 5 }), later, async (all, after) => {
      const now = start + after;
      const [root0, ...below] = all.map((expiresAt) => (expiresAt === undefined ? {} : { expiresAt }));
      let token = await mint(root, { ...first, rights, ...root0 });
      for (const each of below) token = await append(token, { budgets: { ops: 1 }, ...each });
      const verified = await verify(token, { ...roots, hive: "home", now }).then(
        () => "ok",
        (thrown: unknown) => (thrown instanceof Fault ? thrown.code : String(thrown)),
      );
      const allowed = await isAllowedByLibrary(token, now);
      if (verified === "ok") assert.equal(allowed, true);
      else assert.equal(verified, "ticket.expired");
      if (!allowed) assert.equal(verified, "ticket.expired");
    }),
    { numRuns: 30 },
  );
});

test("the expiry is a check that the library itself enforces", async () => {
  const token = await mint(root, {
    subject: "alice",
    role: "queen",
    hive: "home",
    rights: [{ path: "/", verb: "rw" }],
    issuedAt: start,
    expiresAt: start + 60_000,
  });
  assert.equal(await isAllowedByLibrary(token, start + 60_000), true);
  assert.equal(await isAllowedByLibrary(token, start + 61_000), false);
});
