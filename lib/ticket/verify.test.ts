import assert from "node:assert/strict";
import { test } from "node:test";
import { createRoot, createVerifier, mint, narrow, type RootClaims } from "./mod.ts";

const root = createRoot(Buffer.alloc(32, 7));
const next = createRoot(Buffer.alloc(32, 9));
const roots = { rootPublicKeys: [root.publicKey] };
const now = 1_779_896_995_000;
const against = { ...roots, now, hive: "home" };
const worker: RootClaims = {
  subject: "w-1",
  role: "worker",
  hive: "home",
  rights: [{ path: "/worker/w-1", verb: "rw" }],
  issuedAt: now,
  expiresAt: now + 60_000,
};
const plain = await mint(root, worker);
const narrowed = await narrow(plain, { budgets: { ops: 5 } }, roots);

for (const [shape, token] of [
  ["of one block", plain],
  ["that was narrowed", narrowed],
] as const) {
  test(`a ticket ${shape} that is remembered is refused once it has expired, and by its ttl`, async () => {
    const verifier = createVerifier({ remembers: 8 });
    await verifier.verify(token, against);
    await verifier.verify(token, { ...against, now: now + 60_000 });
    await assert.rejects(verifier.verify(token, { ...against, now: now + 60_001 }), {
      code: "ticket.expired",
    });
    await assert.rejects(verifier.verify(token, { ...against, now: now - 5001 }), {
      code: "ticket.not-yet-valid",
    });
    const { expiresAt: _, ...lasting } = worker;
    const brief = await mint(root, { ...lasting, budgets: { ttl: 30 } });
    await verifier.verify(brief, against);
    await assert.rejects(verifier.verify(brief, { ...against, now: now + 30_001 }), {
      code: "ticket.expired",
    });
  });

  test(`a ticket ${shape} that is remembered is refused as soon as a block of it is revoked`, async () => {
    const verifier = createVerifier({ remembers: 8 });
    const { blocks } = await verifier.verify(token, against);
    for (const { id } of blocks) {
      const revoked = (block: string) => block === id;
      await assert.rejects(verifier.verify(token, { ...against, revoked }), { code: "ticket.revoked" });
      assert.equal((await verifier.verify(token, against)).subject, "w-1");
    }
  });

  test(`a ticket ${shape} that is remembered holds for no other hive`, async () => {
    const verifier = createVerifier({ remembers: 8 });
    await verifier.verify(token, against);
    await assert.rejects(verifier.verify(token, { ...against, hive: "away" }), { code: "ticket.wrong-hive" });
  });

  test(`a ticket ${shape} that is remembered is forged as soon as its root key is no longer listed`, async () => {
    const verifier = createVerifier({ remembers: 8 });
    await verifier.verify(token, against);
    const both = { ...against, rootPublicKeys: [next.publicKey, root.publicKey] };
    assert.equal((await verifier.verify(token, both)).subject, "w-1");
    for (const rootPublicKeys of [[next.publicKey], []])
      await assert.rejects(verifier.verify(token, { ...against, rootPublicKeys }), { code: "ticket.forged" });
    assert.equal((await verifier.verify(token, against)).subject, "w-1");
  });

  test(`a ticket ${shape} is remembered by its whole text`, async () => {
    const verifier = createVerifier({ remembers: 8 });
    await verifier.verify(token, against);
    // Before that stands the number of its root key, a hint that nobody signs.
    for (let at = 16; at < token.length; at += 7) {
      const changed = `${token.slice(0, at)}${token[at] === "A" ? "B" : "A"}${token.slice(at + 1)}`;
      await assert.rejects(verifier.verify(changed, against), /Cannot (accept|read) ticket/);
    }
  });
}

const counted = await mint(root, { ...worker, budgets: { ops: 5 } });

test("a verifier remembers the tickets that were used last, and no more than it may", async () => {
  const verifier = createVerifier({ remembers: 2 });
  // What a block says is the reading's own: whoever gets the same object got a reading that was remembered.
  const reading = async () => (await verifier.verify(counted, against)).blocks[0]?.budgets;
  const first = await reading();
  assert.deepEqual(first, { ops: 5 });
  assert.equal(await reading(), first);
  await verifier.verify(plain, against);
  assert.equal(await reading(), first);
  await verifier.verify(narrowed, against);
  assert.equal(await reading(), first);
  await verifier.verify(plain, against);
  await verifier.verify(narrowed, against);
  assert.notEqual(await reading(), first);
});

test("what was refused is not remembered", async () => {
  const verifier = createVerifier({ remembers: 2 });
  const first = (await verifier.verify(counted, against)).blocks[0];
  await assert.rejects(verifier.verify(counted, { ...against, now: now + 60_001 }), {
    code: "ticket.expired",
  });
  assert.notEqual((await verifier.verify(counted, against)).blocks[0]?.budgets, first?.budgets);
});

test("a verifier that remembers nothing verifies each time anew", async () => {
  const verifier = createVerifier();
  const first = (await verifier.verify(counted, against)).blocks[0];
  assert.notEqual((await verifier.verify(counted, against)).blocks[0]?.budgets, first?.budgets);
});

test("rights of a remembered ticket are compiled for each bearer, and are the same", async () => {
  const verifier = createVerifier({ remembers: 2 });
  const first = await verifier.verify(plain, against);
  assert.equal(first.allows("/queen/ctl", "write"), undefined);
  assert.notEqual(first.allows("/worker/w-1/ctl", "write"), undefined);
  const again = await verifier.verify(plain, against);
  assert.notEqual(again.allows, first.allows);
  assert.equal(again.allows("/queen/ctl", "write"), undefined);
});
