import { createRoot } from "./root.ts";
import { mint, verify } from "./ticket.ts";

/**
 * Loads the library and verifies a ticket of a key that counts nowhere. What the engine compiles on the way takes a
 * tenth of a second, which else the first real ticket would: a server calls this before it serves.
 */
export async function prepare(): Promise<void> {
  const root = createRoot(new Uint8Array(32));
  const claims = { hive: "prepare", subject: "prepare", role: "queen" as const };
  const token = await mint(root, {
    ...claims,
    rights: [{ path: "/", verb: "rw" }],
    issuedAt: 0,
    expiresAt: 1,
  });
  await verify(token, { hive: "prepare", rootPublicKeys: [root.publicKey], now: 0 });
}
