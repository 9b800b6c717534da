import type { Facet } from "@skep/provider-host";
import type { Target } from "../attached/target.ts";

/** A service, a container, a node, a GPU or a link. */
export interface Thing {
  readonly name: string;
  readonly state: string;
  readonly reason?: string;
  readonly fields: Readonly<Record<string, string | number | boolean>>;
}

/** One kind of things on this machine. */
export interface HostProvider extends Target, Disposable {
  readonly facet: Facet;
  /** How often it is looked at, milliseconds. */
  readonly everyMs: number;
  /** All things that are there. Throws what becomes the reason of `unknown`. */
  look(signal: AbortSignal): Promise<readonly Thing[]>;
}
