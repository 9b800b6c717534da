import { mkdirSync } from "node:fs";
import type { Client } from "@skep/ninep";
import { manifestToml } from "@skep/provider-models";
import { lockHome } from "@skep/storage";
import { ownerKeys } from "../updates/apply.ts";
import { keyOf } from "./pack.ts";
import { Registry } from "./registry.ts";
import { checkNamed, digestFor, fetchModel, pointerOf } from "./remote.ts";
import { fault } from "./faults.ts";

/** How a machine takes a model. */
export interface Applying {
  /** Folder of its registry. */
  readonly to: string;
  /** Folder with the owner.toml of this machine. */
  readonly owner: string;
  readonly signal?: AbortSignal;
  /** Told of each step: a test cuts the power there. */
  readonly step?: (name: string) => void;
}

/** What was done. */
export interface Applied {
  readonly name: string;
  readonly model: string;
  readonly key: string;
  /** Bytes of weights that travelled. */
  readonly fetched: number;
  readonly weights: string;
  /** True where an earlier switch was under way and was ended, or given up, first. */
  readonly recovered: boolean;
}

/** Opens a registry alone; what a cut left half done is ended first. */
export async function withRegistry<T>(
  to: string,
  step: ((name: string) => void) | undefined,
  act: (registry: Registry, recovered: boolean) => Promise<T>,
): Promise<T> {
  mkdirSync(to, { recursive: true, mode: 0o700 });
  const registry = new Registry(to, step);
  using _lock = lockHome(to);
  return act(registry, registry.recover());
}

/** The model that a machine is to have: the one that was named, or the one that is active in the hive. */
async function wanted(client: Client, id: string | undefined, signal?: AbortSignal): Promise<string> {
  if (id !== undefined) return digestFor(client, id, signal);
  const { id: active, model } = await pointerOf(client, signal);
  if (model === "") throw fault.none(active === "" ? "none is active" : active);
  return model;
}

/**
 * Fetches a model into the registry of this machine, verifies it by the keys of the machine's owner and nobody else's, and lets
 * it count. Throws `update.untrusted`, `models.signature`, `model.{named,none,older,payload,unready}`.
 */
export async function applyModel(
  client: Client,
  id: string | undefined,
  applying: Applying,
): Promise<Applied> {
  const { to, owner, signal, step } = applying;
  const keys = ownerKeys(owner);
  return withRegistry(to, step, async (registry, recovered) => {
    const model = await wanted(client, id, signal);
    let key = "";
    const { manifest, fetched } = await fetchModel(client, model, {
      to: registry.folder(model),
      check: (packed) => {
        key = keyOf({ ...packed, weights: "" }, keys);
        if (id !== undefined) checkNamed(packed.manifest, id);
        registry.checkNewer(packed.manifest);
      },
      ...(signal && { signal }),
      ...(step && { step }),
    });
    registry.list(manifest, manifestToml(manifest, key));
    registry.activate(model);
    const weights = `${registry.folder(model)}/weights`;
    return { name: manifest.name, model, key, fetched, weights, recovered };
  });
}
