import type { Json } from "@skep/kernel";
import type { HiveKeys } from "./keys.ts";

/** What the mesh tells once it is on. */
export interface MeshSight {
  readonly peer: string;
  addresses(): readonly string[];
  /** How a machine is reached, by its key. */
  path(key: string): { readonly path: string; readonly why: string } | undefined;
}

/** How a hive is reached by other machines, as `/net` shows it. */
export class Net {
  readonly #keys: HiveKeys;
  mesh: MeshSight | undefined;

  constructor(keys: HiveKeys) {
    this.#keys = keys;
  }

  readonly self = (): Readonly<Record<string, Json>> => ({
    hive: this.#keys.hive,
    key: this.#keys.identity.publicKey,
    mesh: this.mesh ? "on" : "off",
    ...(this.mesh && { peer: this.mesh.peer, addresses: this.mesh.addresses() as Json }),
  });

  readonly path = (key: string): { readonly path: string; readonly why: string } | undefined =>
    this.mesh?.path(key);
}
