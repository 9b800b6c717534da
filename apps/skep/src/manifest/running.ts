import type { Config, Key, Values } from "../config/mod.ts";
import { parseShown } from "../config/mod.ts";
import { type Resolved, resolveManifest } from "./document.ts";

/**
 * The configuration of a running daemon. Its values are one object for the daemon's whole life, so whoever reads a setting
 * when it is needed, and not at the start, has what was reloaded.
 */
export class Running {
  readonly config: Config;
  readonly #values: Record<string, unknown>;
  #resolved: Resolved | undefined;

  constructor(config: Config) {
    this.#values = { ...config.values };
    this.config = { ...config, values: this.#values as Values };
  }

  /** What is in force now. */
  get manifest(): Resolved {
    this.#resolved ??= resolveManifest(this.config);
    return this.#resolved;
  }

  /** Puts one value in force, as it would be written. Only for settings that can change while the daemon runs. */
  set(key: Key, shown: string): void {
    this.#values[key] = parseShown(key, shown);
    this.#resolved = undefined;
  }
}
