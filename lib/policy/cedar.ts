import { createRequire } from "node:module";
import type * as Cedar from "@cedar-policy/cedar-wasm/nodejs";

/** The part of Cedar that is used here. */
export type CedarLibrary = typeof Cedar;

let loaded: CedarLibrary | undefined;

/**
 * Cedar, loaded at first use and not before: it costs 4 MB and tens of milliseconds that a program without policies
 * does not pay. It is required, not imported, because decisions are made without waiting.
 */
export function cedar(): CedarLibrary {
  loaded ??= createRequire(import.meta.url)("@cedar-policy/cedar-wasm/nodejs") as CedarLibrary;
  return loaded;
}

/** Whether Cedar was loaded yet. */
export function isLoaded(): boolean {
  return loaded !== undefined;
}
