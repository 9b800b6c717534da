import type { Manifests } from "./check.ts";
import type { Updates } from "./state.ts";

/** Chunks that one record lets go at most. */
const batch = 500;

/** Chunks that no update that is left needs, so many as one record takes. */
export async function sweep(
  { epochs, chunks }: Updates,
  manifests: Manifests,
): Promise<{ readonly digests: readonly string[]; readonly more: boolean }> {
  const needed = new Set<string>();
  const seen = new Set<string>();
  const next = (): string | undefined =>
    [...epochs.entries()].find(([epoch, { stage }]) => stage !== "chunks" && !seen.has(epoch))?.[0];
  // Manifests come while others are read: from the last of them to the end nothing is waited for.
  for (let epoch = next(); epoch !== undefined; epoch = next()) {
    seen.add(epoch);
    for (const digest of (await manifests.get(epoch))?.named.keys() ?? []) needed.add(digest);
  }
  const digests: string[] = [];
  for (const [digest, { epoch }] of chunks.entries()) {
    if (needed.has(digest) || epochs.get(epoch)?.stage === "chunks") continue;
    if (digests.length === batch) return { digests, more: true };
    digests.push(digest);
  }
  return { digests, more: false };
}
