/** How much of a code may be unreadable: 7 % or 15 %. */
export type Level = "low" | "medium";

interface Correction {
  /** Its number in the format. */
  readonly bits: number;
  /** Bytes of correction of one block, and how many blocks there are, by version from 1 on. */
  readonly bytes: readonly number[];
  readonly blocks: readonly number[];
}

/** ISO/IEC 18004, table 9. */
export const levels: Readonly<Record<Level, Correction>> = {
  low: {
    bits: 1,
    bytes: [
      7, 10, 15, 20, 26, 18, 20, 24, 30, 18, 20, 24, 26, 30, 22, 24, 28, 30, 28, 28, 28, 28, 30, 30, 26, 28,
      30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30,
    ],
    blocks: [
      1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 4, 4, 6, 6, 6, 6, 7, 8, 8, 9, 9, 10, 12, 12, 12, 13, 14, 15, 16, 17,
      18, 19, 19, 20, 21, 22, 24, 25,
    ],
  },
  medium: {
    bits: 0,
    bytes: [
      10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26, 26, 28, 28, 28, 28, 28,
      28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    ],
    blocks: [
      1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16, 17, 17, 18, 20, 21, 23, 25, 26, 28,
      29, 31, 33, 35, 37, 38, 40, 43, 45, 47, 49,
    ],
  },
};

/** Modules along one side. */
export const sideOf = (version: number): number => 17 + 4 * version;

/** The middles of the alignment patterns along one side, evenly spaced from the far end on. */
export function alignments(version: number): readonly number[] {
  if (version === 1) return [];
  const count = Math.floor(version / 7) + 2;
  // The one version whose spacing the standard rounds otherwise.
  const step = version === 32 ? 26 : 2 * Math.ceil((sideOf(version) - 13) / (2 * count - 2));
  const far = Array.from({ length: count - 1 }, (_, at) => sideOf(version) - 7 - at * step);
  return [6, ...far.reverse()];
}

/** Bytes that a code has room for, those of its correction included. */
export function room(version: number): number {
  const side = sideOf(version);
  const count = alignments(version).length;
  // Three corners with their format, both timing lines, the alignment patterns that are not in corners, the version.
  const patterns = count === 0 ? 0 : 25 * (count * count - 3) - 10 * (count - 2);
  const fixed = 3 * 64 + 31 + 2 * (side - 16) + patterns + (version >= 7 ? 36 : 0);
  return Math.floor((side * side - fixed) / 8);
}

/** Bytes of data that a code has room for. */
export function capacity(version: number, level: Level): number {
  const { bytes, blocks } = levels[level];
  return room(version) - (bytes[version - 1] ?? 0) * (blocks[version - 1] ?? 0);
}
