import type { Kind } from "./kinds.ts";

/** One setting, declared once; file, environment, flag, documentation and `config show` are read off it. */
export interface Setting<T> {
  readonly kind: Kind<T>;
  readonly doc: string;
  /** Undefined only for secrets, which are generated for each home. */
  readonly fallback: T;
  /** Default: `SKEP_` and the key in capitals. */
  readonly env?: string;
  /** Name of the flag of `skep up`, where there is one. */
  readonly flag?: string;
  /** True where `skep reload` changes it in a running daemon. */
  readonly running?: true;
  /** The command that changes it while the daemon runs, where the file is no way to. */
  readonly instead?: string;
}

/** A secret: never in argv; its flag and its `_FILE` variable name a file or, as `fd:3`, a descriptor. */
export interface SecretSetting {
  readonly secret: true;
  readonly doc: string;
  readonly env?: string;
  readonly flag?: string;
}

/** Declares a setting. */
export function setting<T>(
  kind: Kind<T>,
  fallback: T,
  doc: string,
  more: Pick<Setting<T>, "env" | "flag" | "running" | "instead"> = {},
): Setting<T> {
  return { kind, fallback, doc, ...more };
}

/** Declares a secret. */
export function secret(doc: string, names: { readonly flag?: string } = {}): SecretSetting {
  return { secret: true, doc, ...names };
}

/** The environment variable of a setting: `listen.http` is `SKEP_LISTEN_HTTP` unless it declares another. */
export function envOf(key: string, declared: { readonly env?: string }): string {
  return declared.env ?? `SKEP_${key.toUpperCase().replace(/[^A-Z0-9]/g, "_")}`;
}

/** The systemd credential of a secret: `skep.console.token`. */
export function credentialOf(key: string): string {
  return `skep.${key}`;
}
