/** What is wrong with a value, and what would be right. */
export interface Wrong {
  readonly wrong: string;
  readonly cure: string;
}

const spans: Record<string, number> = { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000 };
const powers: Record<string, number> = { b: 0, kib: 1, k: 1, mib: 2, m: 2, gib: 3, g: 3, tib: 4, t: 4 };

/** `"30s"`, `"3m"`, `"2h"`, `"500ms"`, `"1d"`; milliseconds. */
export function parseSpan(value: unknown): number | Wrong {
  const [, number = "", unit = ""] =
    /^(\d+(?:\.\d+)?)\s*([a-z]+)$/.exec(typeof value === "string" ? value : "") ?? [];
  const each = spans[unit];
  if (each === undefined)
    return {
      wrong: `${JSON.stringify(value)} is no time`,
      cure: 'Write a number and a unit, as "30s" or "3m"',
    };
  return Math.round(Number(number) * each);
}

/** `"4 GiB"`, `"512MiB"`, or a whole number of bytes. */
export function parseSize(value: unknown): number | Wrong {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  const [, number = "", unit = ""] =
    /^(\d+(?:\.\d+)?)\s*([a-z]+)$/.exec(typeof value === "string" ? value.toLowerCase() : "") ?? [];
  const power = powers[unit];
  if (power === undefined)
    return { wrong: `${JSON.stringify(value)} is no size`, cure: 'Write a number and a unit, as "4 GiB"' };
  return Math.round(Number(number) * 1024 ** power);
}

/** A number from `least` to `most`. */
export function parseNumber(least: number, most: number, what: string): (value: unknown) => number | Wrong {
  return (value) =>
    typeof value === "number" && value >= least && value <= most
      ? value
      : {
          wrong: `${JSON.stringify(value) ?? String(value)} is not ${what}`,
          cure: `Write a number from ${least} to ${most}`,
        };
}

/** `true` or `false`. */
export function parseFlag(value: unknown): boolean | Wrong {
  if (typeof value === "boolean") return value;
  return {
    wrong: `${JSON.stringify(value)} is neither true nor false`,
    cure: "Write true or false, without quotes",
  };
}

/** A list of words, each read by `one`. */
export function parseList<T>(one: (text: string) => T | Wrong): (value: unknown) => readonly T[] | Wrong {
  return (value) => {
    if (!Array.isArray(value) || value.some((each) => typeof each !== "string"))
      return { wrong: "it is no list of texts", cure: 'Write a list, as ["one", "two"]' };
    const read = (value as string[]).map(one);
    return read.find(isWrong) ?? (read as T[]);
  };
}

/** Whether a value was not understood. */
export function isWrong(value: unknown): value is Wrong {
  return typeof value === "object" && value !== null && "wrong" in value;
}
