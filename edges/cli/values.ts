/** What each kind of argument or flag becomes: durations are milliseconds, sizes bytes. */
export interface KindValues {
  readonly string: string;
  /** A path in the hive's tree. */
  readonly path: string;
  /** A file of this machine; `-` is stdin or stdout where the command says so. */
  readonly file: string;
  readonly directory: string;
  readonly integer: number;
  readonly number: number;
  readonly duration: number;
  readonly size: number;
  readonly choice: string;
}

/** The kinds of values. */
export type ValueKind = keyof KindValues;

/** A text that became a value, or what was expected instead. */
export type Reading<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly expected: string };

const good = <T>(value: T): Reading<T> => ({ ok: true, value });
const bad = (expected: string): Reading<never> => ({ ok: false, expected });

const durationUnits: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** `90s`, `1h30m`, `250ms`, `30d`, `0` as milliseconds. A number without a unit is refused, but for 0. */
export function parseDuration(text: string): Reading<number> {
  const expected = "a number with a unit, as in 30s, 1h30m or 7d";
  if (text === "0") return good(0);
  if (!/^(\d+(\.\d+)?(ms|[smhdw]))+$/.test(text)) return bad(expected);
  let sum = 0;
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhdw])/g))
    sum += Number(number) * (durationUnits[unit ?? ""] ?? Number.NaN);
  return Number.isSafeInteger(Math.round(sum)) ? good(Math.round(sum)) : bad(expected);
}

const sizeUnits: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  k: 1024,
  kib: 1024,
  kb: 1000,
  m: 1024 ** 2,
  mib: 1024 ** 2,
  mb: 1000 ** 2,
  g: 1024 ** 3,
  gib: 1024 ** 3,
  gb: 1000 ** 3,
  t: 1024 ** 4,
  tib: 1024 ** 4,
  tb: 1000 ** 4,
};

/** `65536`, `64KiB`, `10GB`, `1.5M` as bytes: KB, MB … count in thousands; K, KiB, M, MiB … in 1,024. */
export function parseSize(text: string): Reading<number> {
  const expected = "a number of bytes, as in 65536, 64KiB or 10GB";
  const found = /^(\d+(?:\.\d+)?) ?([a-z]{0,3})$/i.exec(text);
  const unit = sizeUnits[found?.[2]?.toLowerCase() ?? ""];
  if (!found || unit === undefined) return bad(expected);
  const bytes = Math.round(Number(found[1]) * unit);
  return Number.isSafeInteger(bytes) ? good(bytes) : bad(expected);
}

function parseNumber(text: string): Reading<number> {
  return /^-?\d+(\.\d+)?$/.test(text) ? good(Number(text)) : bad("a number, as in 3 or 0.5");
}

function parseInteger(text: string): Reading<number> {
  const fits = /^-?\d+$/.test(text) && Number.isSafeInteger(Number(text));
  return fits ? good(Number(text)) : bad("a whole number, as in 3");
}

function parsePath(text: string): Reading<string> {
  return text.startsWith("/") ? good(text) : bad("a path of the hive, beginning with /");
}

function filled(expected: string): (text: string) => Reading<string> {
  return (text) => (text === "" ? bad(expected) : good(text));
}

const parsers: { readonly [K in ValueKind]: (text: string) => Reading<KindValues[K]> } = {
  string: good,
  path: parsePath,
  file: filled("the name of a file"),
  directory: filled("the name of a directory"),
  integer: parseInteger,
  number: parseNumber,
  duration: parseDuration,
  size: parseSize,
  choice: good,
};

/** What a value must fit beside its kind. */
export interface Bounds {
  readonly choices?: readonly string[];
  readonly least?: number;
  readonly most?: number;
}

/** `from 1 to 9`, `of at least 1`, `of at most 9`; empty without bounds. */
export function printBounds({ least, most }: Bounds): string {
  if (least !== undefined && most !== undefined) return `from ${least} to ${most}`;
  if (least !== undefined) return `of at least ${least}`;
  return most === undefined ? "" : `of at most ${most}`;
}

/** Reads one word of the command line as a value of `kind`. */
export function parseValue(kind: ValueKind, text: string, bounds: Bounds = {}): Reading<string | number> {
  const { choices, least = Number.NEGATIVE_INFINITY, most = Number.POSITIVE_INFINITY } = bounds;
  if (choices && !choices.includes(text)) return bad(`one of ${choices.join(", ")}`);
  const read = parsers[kind](text);
  const within = !read.ok || typeof read.value === "string" || (read.value >= least && read.value <= most);
  return within ? read : bad(`a number ${printBounds(bounds)}`);
}
