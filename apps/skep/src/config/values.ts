import type { Secret } from "./secret.ts";
import type { Setting } from "./setting.ts";
import type { secrets, settings } from "./settings.table.ts";

/** The name of a setting that is no secret, as in `skep.toml` with dots. */
export type Key = keyof typeof settings;

/** The name of a secret. */
export type SecretKey = keyof typeof secrets;

/** Every setting with its value; durations are milliseconds, sizes bytes. */
export type Values = {
  readonly [K in Key]: (typeof settings)[K] extends Setting<infer T> ? T : never;
};

/** Where a value came from. */
export type Origin =
  | { readonly from: "flag" | "environment" | "credential"; readonly name: string }
  | { readonly from: "file"; readonly path: string; readonly line: number | undefined }
  | { readonly from: "default" }
  | { readonly from: "home" };

/** An origin in words: `flag --http`, `/etc/skep.toml line 3`. */
export function describeOrigin(origin: Origin): string {
  if (origin.from === "default") return "default";
  if (origin.from === "home") return "made for this home";
  if (origin.from === "file")
    return origin.line === undefined ? origin.path : `${origin.path} line ${origin.line}`;
  return `${origin.from} ${origin.name}`;
}

/** A secret that somebody gave. */
export interface GivenSecret {
  readonly secret: Secret;
  readonly origin: Origin;
}
