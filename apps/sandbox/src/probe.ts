import { findHost, type LayerSwitches, type MissingLayer } from "./host.ts";

/** What this host offers to sandboxed processes. */
export interface SandboxProbe {
  /** Names of the layers that work here, sorted. */
  readonly layers: readonly string[];
  readonly missing: readonly MissingLayer[];
}

/** Tries the layers of this host, for `skep doctor`; about 100 ms, all of it in other processes. */
export async function probe(switches: LayerSwitches = {}): Promise<SandboxProbe> {
  const { layers, missing } = await findHost(switches);
  return { layers, missing };
}
