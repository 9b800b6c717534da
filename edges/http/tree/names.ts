import type { Entry } from "@skep/kernel";
import { fault } from "../faults.ts";

/** Part of a directory, and the cursor of the part after it. */
export interface NamePage {
  readonly entries: readonly Entry[];
  readonly next: string | undefined;
}

const most = 1000;

function parseAfter(after: string): { readonly index: number; readonly name: string } {
  const found = /^(\d{1,9}):(.*)$/s.exec(Buffer.from(after, "base64url").toString());
  if (!found) throw fault.cursor(after);
  return { index: Number(found[1]), name: found[2] ?? "" };
}

/** The number in a query, or its default. Throws `http.query`. */
export function numberOf(
  text: string | undefined,
  { least, most: highest, usual }: { readonly least: number; readonly most: number; readonly usual: number },
): number {
  if (text === undefined) return usual;
  const value = Number(text);
  if (!/^\d{1,15}$/.test(text) || value < least || value > highest)
    throw fault.query(`${text} is not ${least} to ${highest}`);
  return value;
}

/** At most `limit` entries behind a cursor. Throws `http.cursor` and `http.query`. */
export function pageOf(
  entries: readonly Entry[],
  { limit, after }: { readonly limit?: string | undefined; readonly after?: string | undefined },
): NamePage {
  const size = numberOf(limit, { least: 1, most, usual: most });
  let begin = 0;
  if (after !== undefined) {
    const { index, name } = parseAfter(after);
    const at = entries.findIndex((entry) => entry.name === name);
    // Where the last name is gone, what followed it has moved up to its place.
    begin = at < 0 ? Math.min(index, entries.length) : at + 1;
  }
  const part = entries.slice(begin, begin + size);
  const last = part.at(-1);
  const end = begin + part.length;
  if (!last || end >= entries.length) return { entries: part, next: undefined };
  return { entries: part, next: Buffer.from(`${end - 1}:${last.name}`).toString("base64url") };
}
