import assert from "node:assert/strict";
import { createPrivateKey, generateKeyPairSync, sign } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { type RootClaims, roles } from "./claims.ts";
import { createRoot, mint, narrow, seal, verify } from "./mod.ts";
import { openPlain } from "./plain.ts";
import { bytesIn, type Field, field, fieldsOf } from "./proto.ts";
import { pkcs8Prefix } from "./root.ts";
import { blocksOf, open } from "./token.ts";

const seed = Buffer.alloc(32, 7);
const root = createRoot(seed);
const roots = { rootPublicKeys: [root.publicKey] };
const now = 1_779_896_995_000;
const against = { ...roots, now, hive: "home" };
const owner: RootClaims = {
  subject: "alice",
  role: "queen",
  hive: "home",
  rights: [
    { path: "/a", verb: "rw", rate: 3 },
    { path: "/b", verb: "history" },
  ],
  budgets: { ops: 5 },
  issuedAt: now,
  expiresAt: now + 60_000,
};
const token = await mint(root, owner);

/** What the library reads in the only block. */
async function readByLibrary(text: string) {
  using opened = await open(text, roots);
  return blocksOf(opened)[0];
}

const seconds = fc.nat({ max: 253_402_300_799 }).map((second) => second * 1000);
const amount = fc.nat({ max: Number.MAX_SAFE_INTEGER });
// Texts that Biscuit numbers by itself stand beside those that a block has to bring.
const word = fc.oneof(
  fc.constantFrom("read", "query", "admin", "t", "right", "jobs"),
  fc.stringMatching(/^[a-z0-9é€]{1,9}$/),
);
const path = fc.array(word, { maxLength: 4 }).map((steps) => `/${steps.join("/")}`);
const verb = fc.constantFrom("read", "write", "rw", "*", "history", "operation");
const right = fc.record(
  { path, verb, rate: fc.integer({ min: 1, max: 1_000_000 }) },
  { requiredKeys: ["path", "verb"] },
);
const budgets = fc.record(
  { ops: amount, bytes: amount, ttl: amount, resumes: amount, advances: amount },
  { requiredKeys: [] },
);
const name = fc.constantFrom("alice", "admin", "w-1", "team/user", "a.b@c:d");
const anyClaims = fc.record(
  {
    subject: name,
    role: fc.constantFrom(...roles),
    hive: fc.constantFrom("home", "cluster", "t"),
    rights: fc.uniqueArray(right, {
      minLength: 1,
      maxLength: 5,
      selector: (each) => `${each.verb} ${each.path}`,
    }),
    budgets,
    issuedAt: seconds,
    expiresAt: seconds,
  },
  { requiredKeys: ["subject", "role", "hive", "rights", "issuedAt"] },
);

test("whatever is minted is opened without the library, and read as the library reads it", async () => {
  await fc.assert(
    fc.asyncProperty(anyClaims, async (claims) => {
      const text = await mint(root, claims);
      const plain = openPlain(text, roots.rootPublicKeys);
      assert.deepEqual(plain, { root: root.publicKey, block: await readByLibrary(text) });
    }),
    { numRuns: 40 },
  );
});

const rootKey = createPrivateKey({ key: Buffer.concat([pkcs8Prefix, seed]), format: "der", type: "pkcs8" });

interface Parts {
  readonly block: Buffer;
  readonly nextKey: Buffer;
  readonly secret: Buffer;
  readonly outer: readonly Field[];
}

function partsOf(text: string): Parts {
  const outer = fieldsOf(Buffer.from(text, "base64url"));
  const signed = fieldsOf(bytesIn(outer, 2));
  const none = Buffer.alloc(0);
  return {
    outer,
    block: bytesIn(signed, 1) ?? none,
    nextKey: bytesIn(fieldsOf(bytesIn(signed, 2)), 2) ?? none,
    secret: bytesIn(fieldsOf(bytesIn(outer, 4)), 1) ?? none,
  };
}

function padded(bytes: Buffer): string {
  return bytes.toString("base64").replaceAll("+", "-").replaceAll("/", "_");
}

/** A token with these parts, signed by the root as if it had been minted so. */
function signedAnew({ outer, block, nextKey, secret }: Parts, more: readonly Buffer[] = []): string {
  const signature = sign(null, Buffer.concat([block, Buffer.alloc(4), nextKey]), rootKey);
  const next = Buffer.concat([field(1, 0), field(2, nextKey)]);
  const signed = Buffer.concat([field(1, block), field(2, next), field(3, signature)]);
  const [keyId] = outer;
  const id = keyId ? field(keyId[0], keyId[1]) : Buffer.alloc(0);
  return padded(Buffer.concat([id, field(2, signed), field(4, field(1, secret)), ...more]));
}

test("a root that signs any bytes as a block gets them read as the library reads them, or not at all", async () => {
  const parts = partsOf(token);
  assert.ok(openPlain(signedAnew(parts), roots.rootPublicKeys));
  const edit = fc.record({ at: fc.nat(1000), drop: fc.nat(2), insert: fc.uint8Array({ maxLength: 6 }) });
  const swap = fc.record({ at: fc.nat(1000), to: fc.nat(255) });
  let believed = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(edit, swap), { minLength: 1, maxLength: 2 }), async (edits) => {
      const block = edits.reduce((bytes, one) => {
        const place = one.at % bytes.length;
        const [drop, insert] = "to" in one ? [1, [one.to]] : [one.drop, one.insert];
        return Buffer.concat([
          bytes.subarray(0, place),
          Uint8Array.from(insert),
          bytes.subarray(place + drop),
        ]);
      }, parts.block);
      const text = signedAnew({ ...parts, block });
      const plain = openPlain(text, roots.rootPublicKeys);
      if (!plain) return;
      believed += 1;
      assert.deepEqual(plain.block, await readByLibrary(text));
    }),
    { numRuns: 600 },
  );
  assert.ok(believed > 3, `only ${believed} of the edits were believed: the test compares nothing`);
});

test("a narrowed token from which the last block was cut off is forged", async () => {
  const narrowed = await narrow(token, { role: "observer" }, roots);
  const { secret } = partsOf(narrowed);
  const parts = partsOf(token);
  const proven = padded(
    Buffer.concat(
      parts.outer.map(([number, value]) => field(number, number === 4 ? field(1, secret) : value)),
    ),
  );
  assert.equal(openPlain(proven, roots.rootPublicKeys), undefined);
  await assert.rejects(verify(proven, against), { code: "ticket.forged" });
});

const { secret, outer } = partsOf(token);
const other = createRoot(Buffer.alloc(32, 8));
const foreignKeys = generateKeyPairSync("ed25519").privateKey.export({ format: "der", type: "pkcs8" });
const strange: [name: string, text: () => string | Promise<string>, verdict: string | undefined][] = [
  [
    "without its padding",
    async () => (await mint(root, { ...owner, hive: "home", subject: "ali" })).replace(/=+$/, ""),
    undefined,
  ],
  ["with another block", () => narrow(token, { budgets: { ops: 1 } }, roots), "accepted"],
  ["that is sealed", () => seal(token, roots), "accepted"],
  ["of a root that nobody listed", () => mint(other, owner), "ticket.forged"],
  [
    "with a proof of another key",
    () => signedAnew({ ...partsOf(token), secret: foreignKeys.subarray(-32) }),
    "ticket.forged",
  ],
  ["with bytes after its end", () => signedAnew(partsOf(token), [field(9, 1)]), undefined],
  ["with a second proof", () => signedAnew(partsOf(token), [field(4, field(1, secret))]), undefined],
  ["without the name of its root", () => signedAnew({ ...partsOf(token), outer: [] }), "accepted"],
  [
    "with another signature",
    () =>
      padded(
        Buffer.concat(
          outer.map(([number, value]) => {
            if (number !== 2 || typeof value === "number") return field(number, value);
            const changed = Buffer.from(value);
            changed.writeUInt8(changed.readUInt8(changed.length - 1) ^ 1, changed.length - 1);
            return field(number, changed);
          }),
        ),
      ),
    "ticket.forged",
  ],
  ["that is empty", () => "", "ticket.malformed"],
];
for (const [what, made, verdict] of strange)
  test(`a token ${what} is left to the library`, async () => {
    const text = await made();
    assert.equal(openPlain(text, roots.rootPublicKeys), undefined);
    if (verdict === "accepted") assert.equal((await verify(text, against)).subject, "alice");
    else if (verdict !== undefined) await assert.rejects(verify(text, against), { code: verdict });
  });

test("bytes of any kind are no plain token, and throw nothing", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      assert.equal(openPlain(padded(Buffer.from(bytes)), roots.rootPublicKeys), undefined);
    }),
    { numRuns: 200 },
  );
});
