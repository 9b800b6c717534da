import { createRequire } from "node:module";
import type * as Cedar from "@cedar-policy/cedar-wasm/nodejs";

/** The part of Cedar that is used here. */
export type CedarLibrary = typeof Cedar;

const name = "@cedar-policy/cedar-wasm/nodejs";

let loaded: CedarLibrary | undefined;

/**
 * Cedar, loaded at first use and not before: it costs 4 MB and tens of milliseconds that a program without policies
 * does not pay. It is required, not imported, because decisions are made without waiting.
 */
export function cedar(): CedarLibrary {
  loaded ??= createRequire(import.meta.url)(name) as CedarLibrary;
  return loaded;
}

/** Whether Cedar was loaded yet. */
export function isLoaded(): boolean {
  return loaded !== undefined;
}

/** The file of Cedar's WebAssembly, for who compiles it in another thread. */
export function cedarFile(): string {
  return createRequire(import.meta.url)
    .resolve(name)
    .replace(/\.js$/, "_bg.wasm");
}

/** Has Cedar run from a module that was compiled elsewhere: in milliseconds. Nothing happens where it is loaded already. */
export async function useCedar(module: WebAssembly.Module): Promise<void> {
  if (loaded) return;
  const library = await import("@cedar-policy/cedar-wasm/web");
  if (loaded) return;
  library.initSync({ module });
  loaded = library as unknown as CedarLibrary;
}
