import { createHash } from "node:crypto";
import { canonical } from "@skep/canon";
import { type Config, type Key, type SecretKey, secretKeys } from "../config/mod.ts";

/** What a hive is configured to, every default included. It holds no secret, only which were given. */
export interface Manifest {
  readonly schema: "skep-manifest/v1";
  /** Durations are milliseconds, sizes bytes, an edge is its address or false. */
  readonly settings: Readonly<Record<Key, unknown>>;
  /** `given` by its operator, or made for the `home`. */
  readonly secrets: Readonly<Record<SecretKey, "given" | "home">>;
}

/** A manifest with its one canonical form and the SHA-256 of that, hex. */
export interface Resolved {
  readonly manifest: Manifest;
  /** RFC 8785, without a newline. */
  readonly text: string;
  readonly hash: string;
}

/** The manifest of a configuration: the same values give the same bytes, wherever they came from. */
export function resolveManifest({ values, given }: Pick<Config, "values" | "given">): Resolved {
  const secrets = Object.fromEntries(
    secretKeys.map((key) => [key, given.has(key) ? "given" : "home"]),
  ) as Manifest["secrets"];
  const manifest: Manifest = { schema: "skep-manifest/v1", settings: { ...values }, secrets };
  const text = canonical(manifest);
  return { manifest, text, hash: createHash("sha256").update(text).digest("hex") };
}
