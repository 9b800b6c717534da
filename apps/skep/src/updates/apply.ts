import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Client } from "@skep/ninep";
import { parseOwner } from "@skep/owner";
import { signerOf } from "@skep/provider-updates";
import { lockHome } from "@skep/storage";
import { fault } from "./faults.ts";
import { type Check, healthy } from "./health.ts";
import { fetchChunk, manifestOf } from "./remote.ts";
import { Slots } from "./slots.ts";

/** How an update is applied. */
export interface Applying extends Check {
  /** Folder of the two slots. */
  readonly to: string;
  /** Folder with the owner.toml of this machine. */
  readonly owner: string;
  readonly step?: (name: string) => void;
}

/** What was done. */
export interface Applied {
  readonly epoch: string;
  readonly key: string;
  /** Bytes of chunks that travelled. */
  readonly fetched: number;
  readonly payload: string;
  /** True where an earlier update was under way and went back first. */
  readonly recovered: boolean;
}

/** Release keys that the owner of this machine named; none without a file. Throws `owner.rules`, `update.untrusted`. */
export function ownerKeys(folder: string): readonly string[] {
  const path = join(folder, "owner.toml");
  const keys = existsSync(path) ? parseOwner(readFileSync(path, "utf8"), path).releaseKeys : [];
  if (keys.length === 0) throw fault.untrusted(path);
  return keys;
}

/** Opens the slots of a folder alone; what a cut left half done goes back first. */
export async function withSlots<T>(
  to: string,
  step: ((name: string) => void) | undefined,
  act: (slots: Slots, recovered: boolean) => Promise<T>,
): Promise<T> {
  const slots = new Slots(to, step);
  using _lock = lockHome(to);
  return act(slots, slots.recover());
}

/**
 * Fetches an update, verifies it by the keys of the machine's owner and nobody else's, and lets it count if it is healthy.
 * Throws `update.{untrusted,older,base,health,payload}`, `updates.signature`.
 */
export async function applyUpdate(client: Client, epoch: string, applying: Applying): Promise<Applied> {
  const { to, owner, signal, step } = applying;
  const keys = ownerKeys(owner);
  return withSlots(to, step, async (slots, recovered) => {
    const { manifest, bytes } = await manifestOf(client, epoch, signal);
    const key = signerOf(manifest, keys);
    if (manifest.delta) throw fault.base(epoch);
    const runs = slots.manifest(slots.current);
    if (runs && BigInt(runs.epoch) >= BigInt(epoch)) throw fault.older(`${epoch}, and ${runs.epoch} runs`);
    const fetch = (digest: string) => fetchChunk(client, epoch, digest, signal);
    const fetched = await slots.fill(manifest, bytes, fetch);
    await slots.activate((payload) => healthy(applying, payload));
    return { epoch, key, fetched, payload: slots.payload, recovered };
  });
}
