import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { Kernel } from "@skep/kernel";
import type { Keeper } from "@skep/provider-cas";
import type { MandatesView } from "@skep/provider-policy";
import { places } from "../hive/storage.ts";
import { Agent } from "./agent.ts";
import { keeperOf } from "./keeper.ts";

const seconds = (): number => Math.floor(Date.now() / 1000);

/** Where the agent that guards a hive's blobs has its pinned files: below the home, for root to own. */
export const agentFolder = (home: string): string => join(home, "agent");

/**
 * What guards the blobs of a home, by what is pinned there and by its own clock. Effects that were in flight at a crash begin
 * again while the kernel still starts: they wait for it here.
 */
export function keeperIn(home: string, hive: string, live: Promise<Kernel>): Keeper {
  return keeperOf(new Agent(agentFolder(home), hive, seconds), {
    record: async (seq) => (await live).journal.record(seq),
    mandate: async (action) => (await live).slices.view<MandatesView>("mandates").of(action),
    written: async (digest) => {
      const path = join(places.blobs(home), digest.slice(0, 2), digest.slice(2, 4), digest);
      const found = await stat(path).catch(() => undefined);
      return found && Math.floor(found.mtimeMs / 1000);
    },
    now: seconds,
  });
}
