import assert from "node:assert/strict";
import { test } from "node:test";
import { createRoot, mint, prepare, verify } from "./mod.ts";

test("a ticket like the one that prepares is of no use anywhere", async () => {
  await prepare();
  const claims = { hive: "prepare", subject: "prepare", role: "queen" as const, issuedAt: 0 };
  const token = await mint(createRoot(new Uint8Array(32)), {
    ...claims,
    rights: [{ path: "/", verb: "rw" }],
  });
  const real = createRoot(new Uint8Array(32).fill(7));
  await assert.rejects(verify(token, { hive: "prepare", rootPublicKeys: [real.publicKey], now: 0 }), {
    code: "ticket.forged",
  });
});
