import { Fault } from "@skep/fault";
import { diagnose } from "./diagnose.ts";

/** What a text may cost before it is looked at. */
export interface ParseLimits {
  /** Deepest nesting of arrays and objects; default 64. */
  readonly maxDepth?: number;
  /** Longest text, in bytes of UTF-8; default 1 MiB. */
  readonly maxLength?: number;
}

/** Steps over a string that opens at `from`; gives the index of its closing quote, or the text's length. */
function closingQuote(text: string, from: number): number {
  let end = text.indexOf('"', from + 1);
  while (end > 0) {
    let back = end - 1;
    while (text.charCodeAt(back) === 0x5c) back--;
    if ((end - back) % 2 === 1) return end;
    end = text.indexOf('"', end + 1);
  }
  return text.length;
}

/** Counts the members of all objects; -1 when some nesting is deeper than allowed. */
function countMembers(text: string, maxDepth: number): number {
  let depth = 0;
  let members = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === 0x22) at = closingQuote(text, at);
    else if (unit === 0x3a) members++;
    else if (unit === 0x7b || unit === 0x5b) {
      if (++depth > maxDepth) return -1;
    } else if (unit === 0x7d || unit === 0x5d) depth--;
  }
  return members;
}

const unclean = Symbol("unclean");

/** Counts the keys that arrived; fewer than the text has members means that a name was repeated. */
function countKeys(value: unknown): number {
  if (typeof value === "string") {
    if (!value.isWellFormed()) throw unclean;
    return 0;
  }
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw unclean;
    return 0;
  }
  if (typeof value !== "object" || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (let at = 0; at < value.length; at++) count += countKeys(value[at]);
    return count;
  }
  for (const key of Object.keys(value)) {
    if (key === "__proto__" || !key.isWellFormed()) throw unclean;
    count += 1 + countKeys((value as Record<string, unknown>)[key]);
  }
  return count;
}

function accept(text: string, maxDepth: number): unknown {
  const members = countMembers(text, maxDepth);
  if (members < 0) throw unclean;
  const value: unknown = JSON.parse(text);
  if (countKeys(value) !== members) throw unclean;
  return value;
}

/**
 * Parses one JSON text as I-JSON (RFC 7493) wants it: no repeated name, no lone surrogate, no number beyond a
 * double, no `__proto__`, nothing after the value. Throws `json.oversize`, `json.depth`, `json.duplicate`,
 * `json.name`, `json.surrogate`, `json.number` or `json.syntax`; each message gives the position in bytes of UTF-8
 * and shows nothing of the text. Whole numbers beyond 2^53 are rounded as JSON.parse rounds them.
 */
export function parseJson(text: string, limits: ParseLimits = {}): unknown {
  const { maxDepth = 64, maxLength = 1_048_576 } = limits;
  if (text.length > maxLength || (text.length * 3 > maxLength && Buffer.byteLength(text) > maxLength))
    throw new Fault("oversize", "json.oversize", `Cannot parse JSON: longer than ${maxLength} bytes`);
  try {
    return accept(text, maxDepth);
  } catch {
    throw diagnose(text, maxDepth);
  }
}
