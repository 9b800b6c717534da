import { createRoot } from "./root.ts";
import { mint, narrow } from "./ticket.ts";
import { verify } from "./verify.ts";

/**
 * Loads the library and verifies tickets of a key that counts nowhere. What the engine compiles on the way takes a
 * tenth of a second, which else the first ticket of several blocks would: a server calls this when it starts.
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
  const roots = { rootPublicKeys: [root.publicKey] };
  // One of two blocks, because only such are opened by the library.
  for (const each of [token, await narrow(token, { budgets: { ops: 1 } }, roots)])
    await verify(each, { ...roots, hive: "prepare", now: 0 });
}
