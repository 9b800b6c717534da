import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { createRoot, mint, narrow } from "@skep/ticket";
import { readExpiry, readWho } from "./who.ts";

const root = createRoot(generateKeyPairSync("ed25519").privateKey);
const claims = {
  subject: "w-abc",
  role: "worker" as const,
  hive: "hive-xyz",
  rights: [
    { path: "/worker/w-abc", verb: "read" },
    { path: "/jobs", verb: "read" },
  ],
  issuedAt: 1_779_883_200_000,
};

test("a ticket tells its subject and hive without a key", async () => {
  assert.deepEqual(readWho(await mint(root, claims)), { subject: "w-abc", hive: "hive-xyz" });
});

test("a narrowed ticket tells the subject of its last block", async () => {
  const token = await mint(root, claims);
  const narrowed = await narrow(token, { subject: "w-abc/inner" }, { rootPublicKeys: [root.publicKey] });
  assert.deepEqual(readWho(narrowed), { subject: "w-abc/inner", hive: "hive-xyz" });
});

test("a ticket tells its earliest expiry without a key, and none where it has none", async () => {
  const { issuedAt } = claims;
  assert.equal(readExpiry(await mint(root, claims)), undefined);
  const token = await mint(root, { ...claims, expiresAt: issuedAt + 3_600_000 });
  assert.equal(readExpiry(token), issuedAt + 3_600_000);
  const narrowed = await narrow(
    token,
    { expiresAt: issuedAt + 60_000 },
    { rootPublicKeys: [root.publicKey] },
  );
  assert.equal(readExpiry(narrowed), issuedAt + 60_000);
  assert.equal(readExpiry("no ticket"), undefined);
});

test("what is no ticket is refused by name", () => {
  for (const text of ["", "AAAA", "hello", "x".repeat(400)])
    assert.throws(() => readWho(text), { code: "worker.ticket" }, text.slice(0, 8));
});
