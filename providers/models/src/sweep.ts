import type { Models } from "./state.ts";
import type { Store } from "./store.ts";

/** Chunks that one record lets go at most. */
const batch = 500;

/** Chunks that no model that is left needs, so many as one record takes. */
export async function sweep(
  { models, chunks }: Models,
  store: Store,
): Promise<{ readonly digests: readonly string[]; readonly more: boolean }> {
  const needed = new Set<string>();
  const seen = new Set<string>();
  const next = (): string | undefined =>
    [...models.entries()].find(([id, { files }]) => files.table !== undefined && !seen.has(id))?.[0];
  // Tables come while others are read: from the last of them to the end nothing is waited for.
  for (let id = next(); id !== undefined; id = next()) {
    seen.add(id);
    for (const name of (await store.parts(id)).named.keys()) needed.add(name);
  }
  const digests: string[] = [];
  for (const digest of chunks.keys()) {
    if (needed.has(digest)) continue;
    if (digests.length === batch) return { digests, more: true };
    digests.push(digest);
  }
  return { digests, more: false };
}
