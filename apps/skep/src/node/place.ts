import { existsSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import type { ConfigSources } from "../config/mod.ts";

/** Where a machine that joined keeps what is its own: `$XDG_STATE_HOME/skep-worker`. */
export function defaultNodeFolder(
  env: Readonly<Record<string, string | undefined>>,
  userHome: string,
): string {
  const state = env.XDG_STATE_HOME;
  return join(state && isAbsolute(state) ? state : join(userHome, ".local", "state"), "skep-worker");
}

/** Where a machine's configuration comes from: a `skep.toml` in its folder stands instead of the home's. */
export function nodeSources(sources: ConfigSources, folder: string): ConfigSources {
  const own = join(folder, "skep.toml");
  return existsSync(own) ? { ...sources, file: own } : sources;
}
