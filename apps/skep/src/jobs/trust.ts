import type { Client } from "@skep/ninep";

/** How far a machine's answers are believed, in a word or two: `T1 0.62`, `quarantined`. */
export async function trustOf(client: Client, worker: string): Promise<string> {
  try {
    const text = String(await client.readAll(`/worker/${worker}/trust.json`));
    const { state, tier, score } = JSON.parse(text) as { state: string; tier: string; score: string };
    return state === "trusted" ? `${tier} ${score}` : state;
  } catch {
    // One that never said hello has no directory.
    return "";
  }
}
