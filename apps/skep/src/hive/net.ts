import type { Json } from "@skep/kernel";
import type { Engagement } from "@skep/provider-peers";
import type { HiveKeys } from "./keys.ts";

/** What the mesh tells once it is on. */
export interface MeshSight {
  readonly peer: string;
  addresses(): readonly string[];
  /** Relays of the configuration: where this hive reserves next when the present one is lost. */
  readonly relays: readonly string[];
  /** How a machine is reached, by its key. */
  path(key: string): { readonly path: string; readonly why: string; readonly address?: string } | undefined;
  volunteers(): readonly Readonly<Record<string, Json>>[];
  engage(engagement: Engagement): Promise<string>;
}

/** How a hive is reached by other machines, as `/net` shows it. */
export class Net {
  readonly #keys: HiveKeys;
  /** The mesh; `refused` where the configuration has it off. */
  mesh: MeshSight | "refused" | undefined;
  #wanted = false;
  #start: (() => void) | undefined;

  constructor(keys: HiveKeys) {
    this.#keys = keys;
  }

  /** Machines are invited or have joined, so the mesh is started if it may be. */
  readonly wanted = (): void => {
    if (this.#wanted) return;
    this.#wanted = true;
    this.#start?.();
  };

  /** Calls `start` once, as soon as the mesh is wanted. */
  whenWanted(start: () => void): void {
    this.#start = start;
    if (this.#wanted) start();
  }

  get #on(): MeshSight | undefined {
    return this.mesh === "refused" ? undefined : this.mesh;
  }

  readonly self = (): Readonly<Record<string, Json>> => {
    const on = this.#on;
    return {
      hive: this.#keys.hive,
      key: this.#keys.identity.publicKey,
      mesh: on ? "on" : this.mesh === "refused" ? "refused" : "off",
      ...(on && { peer: on.peer, addresses: on.addresses() as Json, relays: on.relays as Json }),
    };
  };

  readonly volunteers = (): readonly Readonly<Record<string, Json>>[] => this.#on?.volunteers() ?? [];

  readonly engage = async (engagement: Engagement): Promise<string> =>
    (await this.#on?.engage(engagement)) ?? "Cannot engage volunteer: the mesh of this hive is off";

  readonly path = (key: string): { readonly path: string; readonly why: string } | undefined =>
    this.#on?.path(key);
}
