import { explain, maxDepth } from "./explain.ts";
import { compareUtf8, ecmaNumber, serdeNumber } from "./order.ts";

/** Thrown inside the fast path only; the slow path then finds out what was refused and where. */
const refused = Symbol("refused");

interface Dialect {
  readonly number: (value: number) => string | undefined;
  /** True where JSON.stringify prints the number alike. */
  readonly isNative: (value: number) => boolean;
  readonly compare: ((a: string, b: string) => number) | undefined;
}

const needsEscape = /[^\x20\x21\x23-\x5b\x5d-\ud7ff\ue000-\uffff]/;

/** Escapes as RFC 8785 section 3.2.2.2 asks: that is what JSON.stringify writes for well-formed text. */
function quote(text: string): string {
  const { length } = text;
  if (length > 40) {
    if (!needsEscape.test(text)) return `"${text}"`;
  } else {
    let at = 0;
    for (; at < length; at++) {
      const unit = text.charCodeAt(at);
      if (unit < 0x20 || unit === 0x22 || unit === 0x5c || unit > 0x7e) break;
    }
    if (at === length) return `"${text}"`;
  }
  if (!text.isWellFormed()) throw refused;
  return JSON.stringify(text);
}

/** Few keys are sorted by hand: for them the engine's sort costs more in calls than in comparisons. */
const few = 24;

function sortKeys(keys: string[], compare: Dialect["compare"]): void {
  const { length } = keys;
  for (let at = 1; at < length; at++) {
    const key = keys[at] as string;
    const before = keys[at - 1] as string;
    if (compare ? compare(before, key) <= 0 : before <= key) continue;
    if (length > few) {
      keys.sort(compare);
      return;
    }
    insert(keys, at, key, compare);
  }
}

/** Moves the key at `end` to its place among the sorted ones before it. */
function insert(keys: string[], end: number, key: string, compare: Dialect["compare"]): void {
  let at = end;
  for (; at > 0; at--) {
    const before = keys[at - 1] as string;
    if (compare ? compare(before, key) <= 0 : before <= key) break;
    keys[at] = before;
  }
  keys[at] = key;
}

function isPlain(value: object): boolean {
  const proto = Object.getPrototypeOf(value);
  return proto === Object.prototype || proto === null;
}

/** Numbers that the engine prints as the dialect does: lists of bytes are long. */
function areNumbers(items: readonly unknown[], dialect: Dialect): boolean {
  for (let at = 0; at < items.length; at++) {
    const item = items[at];
    if (typeof item !== "number" || !dialect.isNative(item)) return false;
  }
  return true;
}

function writeArray(items: readonly unknown[], dialect: Dialect, depth: number): string {
  if (items.length === 0) return "[]";
  if (areNumbers(items, dialect)) return `[${Array.prototype.join.call(items, ",")}]`;
  let text = `[${write(items[0], dialect, depth)}`;
  for (let at = 1; at < items.length; at++) text += `,${write(items[at], dialect, depth)}`;
  return `${text}]`;
}

function writeObject(value: object, dialect: Dialect, depth: number): string {
  const keys = Object.keys(value);
  if (keys.length === 0) return "{}";
  sortKeys(keys, dialect.compare);
  let text = "";
  let before = "{";
  for (const key of keys) {
    text += `${before}${quote(key)}:${write((value as Record<string, unknown>)[key], dialect, depth)}`;
    before = ",";
  }
  return `${text}}`;
}

function write(value: unknown, dialect: Dialect, depth: number): string {
  if (typeof value === "string") return quote(value);
  if (typeof value === "number") {
    const text = dialect.number(value);
    if (text === undefined) throw refused;
    return text;
  }
  if (typeof value === "boolean") return value ? "true" : "false";
  if (value === null) return "null";
  if (typeof value !== "object" || depth >= maxDepth) throw refused;
  if (Array.isArray(value)) return writeArray(value, dialect, depth + 1);
  if (!isPlain(value)) throw refused;
  return writeObject(value, dialect, depth + 1);
}

function isNativeArray(items: readonly unknown[], dialect: Dialect, depth: number): boolean {
  for (let at = 0; at < items.length; at++) if (!isNative(items[at], dialect, depth)) return false;
  return true;
}

function isNativeObject(value: object, dialect: Dialect, depth: number): boolean {
  if (!isPlain(value)) return false;
  let before = "";
  for (const key of Object.keys(value)) {
    if (dialect.compare ? dialect.compare(before, key) > 0 : before > key) return false;
    if (!key.isWellFormed() || !isNative((value as Record<string, unknown>)[key], dialect, depth))
      return false;
    before = key;
  }
  return true;
}

/** True when the value is sorted and clean already, so that the engine's own printer gives its canonical form. */
function isNative(value: unknown, dialect: Dialect, depth: number): boolean {
  if (typeof value === "string") return value.isWellFormed();
  if (typeof value === "number") return dialect.isNative(value);
  if (typeof value === "boolean" || value === null) return true;
  if (typeof value !== "object" || depth >= maxDepth) return false;
  if (typeof (value as { toJSON?: unknown }).toJSON === "function") return false;
  return Array.isArray(value)
    ? isNativeArray(value, dialect, depth + 1)
    : isNativeObject(value, dialect, depth + 1);
}

function start(value: unknown, dialect: Dialect): string {
  if (isNative(value, dialect, 0)) return JSON.stringify(value);
  try {
    return write(value, dialect, 0);
  } catch (thrown) {
    if (thrown !== refused) throw thrown;
    throw explain(value, dialect.number);
  }
}

const rfc8785: Dialect = { number: ecmaNumber, isNative: Number.isFinite, compare: undefined };
const phase: Dialect = { number: serdeNumber, isNative: Number.isSafeInteger, compare: compareUtf8 };

/**
 * Canonical JSON of RFC 8785: keys by UTF-16 units, numbers as ECMAScript prints them.
 * Takes own enumerable string keys of plain objects and arrays; nothing is dropped or called in passing.
 * Throws `canon.value` naming the JSON path for undefined, functions, symbols, bigint, NaN, Infinity,
 * class instances, holes, lone surrogates, and for cycles or more than 256 levels `canon.depth`.
 */
export function canonical(value: unknown): string {
  return start(value, rfc8785);
}

/**
 * Canonical JSON of Phase: keys by UTF-8 bytes and numbers as Rust's serde_json prints them.
 * Refuses what `canonical` refuses, and whole numbers beyond ±(2^53 − 1), whose text would depend on the writer.
 */
export function canonicalUtf8(value: unknown): string {
  return start(value, phase);
}
