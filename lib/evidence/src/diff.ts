import type { Verified } from "./verify.ts";

/** How two packs differ. */
export interface PackDifference {
  readonly origin: readonly [string, string] | null;
  /** Records that both have and that are not the same: of one log this cannot be. */
  readonly forked: readonly number[];
  readonly onlyFirst: readonly number[];
  readonly onlySecond: readonly number[];
  /** Files by name whose text differs, or that only one has. */
  readonly files: readonly string[];
}

/** Compares two verified packs. */
export function diff(one: Verified, other: Verified): PackDifference {
  const texts = (of: Verified) => new Map(of.records.map((record) => [record.seq, JSON.stringify(record)]));
  const [first, second] = [texts(one), texts(other)];
  const names = new Set([...Object.keys(one.manifest.files), ...Object.keys(other.manifest.files)]);
  const { origin } = one.manifest;
  return {
    origin: origin === other.manifest.origin ? null : [origin, other.manifest.origin],
    forked: [...first]
      .filter(([seq, text]) => second.has(seq) && second.get(seq) !== text)
      .map(([seq]) => seq),
    onlyFirst: [...first.keys()].filter((seq) => !second.has(seq)),
    onlySecond: [...second.keys()].filter((seq) => !first.has(seq)),
    files: [...names]
      .sort()
      .filter((name) => one.manifest.files[name]?.sha256 !== other.manifest.files[name]?.sha256),
  };
}
