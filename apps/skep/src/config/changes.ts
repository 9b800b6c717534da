import { isDeepStrictEqual } from "node:util";
import type { Config } from "./load.ts";
import type { Setting } from "./setting.ts";
import { secrets, settings } from "./settings.table.ts";
import type { Key, SecretKey } from "./values.ts";

const table: Readonly<Record<string, Setting<unknown>>> = settings;

/** A setting whose value is another one now; both as they would be written. */
export type Change = {
  readonly key: Key;
  readonly from: string;
  readonly to: string;
};

/** A setting that stays as it was until something else is done. */
export type Kept = {
  readonly key: Key | SecretKey;
  readonly cure: string;
};

function cureOf({ instead }: Setting<unknown>): string {
  return instead === undefined ? "Restart the daemon" : `Use \`${instead}\`, which passes the gate`;
}

function secretsDiffer(before: Config, now: Config, key: SecretKey): boolean {
  const of = ({ given }: Config) => given.get(key)?.secret.reveal();
  return of(before) !== of(now);
}

/** What a running daemon takes from a newer configuration, and what it does not. */
export function changesOf(
  before: Config,
  now: Config,
): { readonly changed: readonly Change[]; readonly kept: readonly Kept[] } {
  const changed: Change[] = [];
  const kept: Kept[] = [];
  for (const key of Object.keys(table) as Key[]) {
    const each = table[key];
    if (!each || isDeepStrictEqual(before.values[key], now.values[key])) continue;
    if (each.running)
      changed.push({ key, from: each.kind.show(before.values[key]), to: each.kind.show(now.values[key]) });
    else kept.push({ key, cure: cureOf(each) });
  }
  for (const key of Object.keys(secrets) as SecretKey[])
    if (secretsDiffer(before, now, key)) kept.push({ key, cure: "Restart the daemon" });
  return { changed, kept };
}

/** A value from the text in which it is shown. Throws for a text that none is shown in. */
export function parseShown(key: Key, shown: string): unknown {
  return table[key]?.kind.schema.parse(shown);
}
