import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { Fault } from "@skep/fault";
import fc from "fast-check";
import { library } from "./biscuit.ts";
import { printBlock } from "./datalog.ts";
import { type Claims, createRoot, describe, mint, narrow, type RootClaims, seal, verify } from "./mod.ts";
import { secretOf } from "./root.ts";
import { open } from "./token.ts";

const root = createRoot(Buffer.alloc(32, 7));
const roots = { rootPublicKeys: [root.publicKey] };
const now = 1_779_896_995_000;
const against = { ...roots, now, hive: "home" };
const owner: RootClaims = {
  subject: "alice",
  role: "queen",
  hive: "home",
  rights: [
    { path: "/", verb: "rw" },
    { path: "/at", verb: "history" },
    { path: "/log", verb: "read", rate: 10 },
  ],
  budgets: { ops: 100, ttl: 300 },
  issuedAt: now,
  expiresAt: now + 60_000,
};
const code = (expected: string) => (thrown: unknown) =>
  thrown instanceof Fault && thrown.code === `ticket.${expected}`;

test("a minted ticket verifies to what it was minted with", async () => {
  const ticket = await verify(await mint(root, owner), against);
  assert.equal(ticket.subject, "alice");
  assert.equal(ticket.role, "queen");
  assert.equal(ticket.expiresAt, now + 60_000);
  assert.deepEqual(
    ticket.blocks.map(({ budgets }) => budgets),
    [{ ops: 100, ttl: 300 }],
  );
  assert.match(ticket.blocks[0]?.id ?? "", /^[0-9a-f]{128}$/);
  assert.deepEqual(ticket.allows("/jobs/ctl", "write"), { meters: [] });
  assert.equal(ticket.allows("/log/queen.log", "read")?.meters[0]?.rate, 10);
  assert.equal(ticket.allows("/jobs", "history"), undefined);
  assert.deepEqual(ticket.allows("/at/7/jobs", "history"), { meters: [] });
});

test("the golden public key of seed 07 is the root's", () => {
  assert.equal(root.publicKey, "ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c");
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const raw = Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url").toString("hex");
  assert.equal(createRoot(privateKey).publicKey, raw);
  assert.throws(() => createRoot(Buffer.alloc(31)), code("key"));
  assert.throws(() => createRoot(publicKey), code("key"));
  assert.ok(!JSON.stringify(root).includes("0707"));
});

test("narrowing intersects rights, takes the earliest expiry and keeps every meter, the tightest first", async () => {
  const child = await narrow(
    await mint(root, owner),
    {
      subject: "alice/ci",
      role: "observer",
      rights: [{ path: "/log", verb: "read", rate: 3 }],
      budgets: { ops: 5 },
      expiresAt: now + 10_000,
    },
    roots,
  );
  const ticket = await verify(child, against);
  const [first, second] = ticket.blocks;
  assert.equal(ticket.subject, "alice/ci");
  assert.equal(ticket.role, "observer");
  assert.equal(ticket.expiresAt, now + 10_000);
  assert.deepEqual(
    ticket.allows("/log/queen.log", "read")?.meters.map(({ block, rate, path }) => [block, rate, path]),
    [
      [second?.id, 3, "/log"],
      [first?.id, 10, "/log"],
    ],
  );
  assert.equal(ticket.allows("/log/queen.log", "write"), undefined);
  assert.equal(ticket.allows("/jobs", "read"), undefined);
  await assert.rejects(verify(child, { ...against, now: now + 10_001 }), code("expired"));
});

const widenings: [name: string, claims: Claims][] = [
  ["a subject that is no child", { subject: "alicex" }],
  ["another hive", { hive: "other" }],
  ["a later expiry", { expiresAt: now + 120_000 }],
  ["a larger budget", { budgets: { ops: 101 } }],
  ["a right on another name", { rights: [{ path: "/", verb: "journal" }] }],
  ["every right at once", { rights: [{ path: "/jobs", verb: "*" }] }],
];
for (const [name, claims] of widenings)
  test(`narrowing to ${name} is refused`, async () => {
    await assert.rejects(narrow(await mint(root, owner), claims, roots), code("widens"));
  });

test("a role once given up cannot be taken back", async () => {
  const observer = await narrow(await mint(root, owner), { role: "observer" }, roots);
  await assert.rejects(narrow(observer, { role: "queen" }, roots), code("widens"));
  assert.equal((await verify(observer, against)).role, "observer");
});

test("a prefix ends on a segment boundary", async () => {
  const ticket = await verify(
    await mint(root, { ...owner, rights: [{ path: "/jobs", verb: "read" }] }),
    against,
  );
  for (const path of ["/jobs", "/jobs/1", "/jobs/1/status"]) assert.ok(ticket.allows(path, "read"), path);
  for (const path of ["/jobsx", "/job", "/", "/jobs/../log", "/jobs/.", "/jobs//1", "/jobs/", "jobs", ""])
    assert.equal(ticket.allows(path, "read"), undefined, path);
  assert.equal(ticket.reaches("/"), true);
  assert.equal(ticket.reaches("/log"), false);
});

const refusals: [name: string, expected: string, token: () => Promise<string>, change?: object][] = [
  ["for another hive", "wrong-hive", () => mint(root, owner), { hive: "away" }],
  ["issued more than five seconds ahead", "not-yet-valid", () => mint(root, owner), { now: now - 5001 }],
  ["past its expiry", "expired", () => mint(root, owner), { now: now + 60_001 }],
  ["with a revoked block", "revoked", () => mint(root, owner), { revoked: () => true }],
  ["signed by another root", "forged", () => mint(createRoot(Buffer.alloc(32, 8)), owner)],
  ["that is no token", "malformed", async () => "bm90IGEgdG9rZW4="],
  ["with foreign characters", "malformed", async () => "not a token!"],
  ["that is too long", "oversize", async () => "A".repeat(8193)],
];
for (const [name, expected, token, change] of refusals)
  test(`a ticket ${name} is refused as ${expected}`, async () => {
    await assert.rejects(verify(await token(), { ...against, ...change }), code(expected));
  });

test("expiry and issue are judged to the boundary", async () => {
  const token = await mint(root, owner);
  assert.ok(await verify(token, { ...against, now: now + 60_000 }));
  assert.ok(await verify(token, { ...against, now: now - 5000 }));
});

test("a ttl ends the ticket so many seconds after its block was issued, and narrowing gives none back", async () => {
  const { expiresAt: _, ...lasting } = owner;
  const token = await mint(root, { ...lasting, budgets: { ttl: 300 } });
  assert.equal((await verify(token, against)).expiresAt, now + 300_000);
  await assert.rejects(verify(token, { ...against, now: now + 300_001 }), code("expired"));
  const below = await narrow(token, { issuedAt: now + 100_000, budgets: { ttl: 300 } }, roots);
  assert.equal((await verify(below, { ...against, now: now + 100_000 })).expiresAt, now + 300_000);
  const brief = await narrow(token, { issuedAt: now + 100_000, budgets: { ttl: 60 } }, roots);
  assert.equal((await verify(brief, { ...against, now: now + 100_000 })).expiresAt, now + 160_000);
});

test("a parent's revocation revokes every child, a child's only itself", async () => {
  const parent = await mint(root, owner);
  const child = await narrow(parent, { budgets: { ops: 1 } }, roots);
  const [first, second] = (await describe(child, roots)).blocks;
  await assert.rejects(verify(child, { ...against, revoked: (id) => id === first?.id }), code("revoked"));
  await assert.rejects(verify(child, { ...against, revoked: (id) => id === second?.id }), code("revoked"));
  assert.ok(await verify(parent, { ...against, revoked: (id) => id === second?.id }));
});

test("tickets of an old root verify as long as its key is listed", async () => {
  const old = createRoot(Buffer.alloc(32, 9));
  const token = await mint(old, owner);
  const both = { ...against, rootPublicKeys: [root.publicKey, old.publicKey] };
  assert.equal((await verify(token, both)).subject, "alice");
  await assert.rejects(verify(token, against), code("forged"));
  await assert.rejects(verify(token, { ...against, rootPublicKeys: [] }), code("forged"));
});

test("a sealed ticket verifies and cannot be narrowed", async () => {
  const sealed = await seal(await mint(root, owner), roots);
  assert.equal((await verify(sealed, against)).subject, "alice");
  assert.equal((await describe(sealed, roots)).sealed, true);
  assert.equal(await seal(sealed, roots), sealed);
  await assert.rejects(narrow(sealed, { budgets: { ops: 1 } }, roots), code("sealed"));
});

test("a ninth block is refused", async () => {
  let token = await mint(root, { ...owner, rights: [{ path: "/", verb: "read" }] });
  for (let block = 1; block < 8; block++) token = await narrow(token, { budgets: { ops: 9 - block } }, roots);
  assert.equal((await verify(token, against)).blocks.length, 8);
  await assert.rejects(narrow(token, { budgets: { ops: 1 } }, roots), code("oversize"));
});

async function withBlock(source: string): Promise<string> {
  const { Biscuit } = await library();
  const builder = Biscuit.block_builder();
  builder.addCode(source);
  return (await open(await mint(root, owner), roots)).appendBlock(builder).toBase64();
}
const foreign = [
  'admin("alice");',
  'right("/jobs");',
  'right("/jobs", "read", "5");',
  'right("/jobs", "read", 5, 6);',
  'right("/jobs", "read", 0);',
  'right("/jobs/", "read");',
  'right("/jobs/../log", "read");',
  'budget("gold", 5);',
  'budget("ops", -5);',
  'budget("ops", 1); budget("ops", 2);',
  'role("king");',
  "issued(5);",
  "check if true;",
  'check if operation("read");',
  "check if time($t), $t >= 2020-01-01T00:00:00Z;",
  "check if time($t), $t <= 2030-01-01T00:00:00Z; check if time($t), $t <= 2031-01-01T00:00:00Z;",
  'right($p, "rw") <- right($p, "read");',
  "subject(hex:00ff);",
  'subject(["alice"]);',
];
for (const source of foreign)
  test(`a block that says ${source} refuses the whole ticket`, async () => {
    await assert.rejects(verify(await withBlock(source), against), code("unknown-fact"));
  });

test("a string that prints like facts of its block gains nothing", async () => {
  const observer = await narrow(
    await mint(root, owner),
    { role: "observer", rights: [{ path: "/log", verb: "read" }] },
    roots,
  );
  const { Biscuit } = await library();
  const builder = Biscuit.block_builder();
  builder.addCode('right("/log\\", \\"read\\");\\nright(\\"/", "rw");');
  const token = (await open(observer, roots)).appendBlock(builder).toBase64();
  const ticket = await verify(token, against);
  assert.equal(ticket.allows("/queen/ctl", "write"), undefined);
  assert.equal(ticket.role, "observer");
});

test("claims that cannot be printed safely are refused by name before minting", async () => {
  const bad: object[] = [
    { subject: 'a"b' },
    { subject: "" },
    { hive: "a b" },
    { rights: [] },
    { rights: [{ path: '/a"b', verb: "read" }] },
    { rights: [{ path: "/a\u202eb", verb: "read" }] },
    {
      rights: [
        { path: "/a", verb: "read" },
        { path: "/a", verb: "read", rate: 2 },
      ],
    },
    { rights: Array.from({ length: 33 }, (_, at) => ({ path: `/${at}`, verb: "read" })) },
    { budgets: { gold: 1 } },
    { issuedAt: undefined },
    { extra: 1 },
  ];
  for (const change of bad)
    await assert.rejects(mint(root, { ...owner, ...change } as RootClaims), code("claims"));
});

test("no changed token is accepted as something else, and no fault shows it", async () => {
  const token = await narrow(await mint(root, owner), { subject: "alice/ci" }, roots);
  await fc.assert(
    fc.asyncProperty(fc.nat(token.length - 1), fc.constantFrom(..."AZaz09-_"), async (at, letter) => {
      try {
        const ticket = await verify(token.slice(0, at) + letter + token.slice(at + 1), against);
        assert.equal(ticket.subject, "alice/ci");
      } catch (thrown) {
        assert.ok(thrown instanceof Fault, String(thrown));
        assert.match(thrown.code, /^ticket\.(malformed|forged|unknown-fact)$/);
        assert.ok(!`${thrown.message}${thrown.cause ?? ""}`.includes(token.slice(0, 16)));
      }
    }),
    { numRuns: 40 },
  );
});

test("loading and using the library prints nothing of its own", () => {
  const script = `import { createRoot, mint } from "@skep/ticket";
    const root = createRoot(Buffer.alloc(32, 7));
    await mint(root, { subject: "a", role: "queen", hive: "h", rights: [{ path: "/", verb: "rw" }], issuedAt: 0 });`;
  const done = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    cwd: import.meta.dirname,
    encoding: "utf8",
  });
  assert.deepEqual([done.status, done.stdout, done.stderr], [0, "", ""]);
});

test("the root's seed is reachable through its own object only", () => {
  assert.equal(secretOf(root).length, 32);
  assert.throws(() => secretOf({ publicKey: root.publicKey }), code("key"));
  assert.equal(printBlock({}), "");
});
