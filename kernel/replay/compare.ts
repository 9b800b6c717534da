import { canonical } from "@skep/canon";
import type { JournalRecord } from "../journal/record.ts";
import type { Json } from "../namespace/node.ts";

/** Where two records of one act part. */
export interface Difference {
  /** `verdict`, `event 0`, `effect 1`, `policy`, `undo` or another member of the record. */
  readonly what: string;
  /** What was come to now, and what stands in the record. */
  readonly own: Json;
  readonly stored: Json;
}

type Members = Readonly<Record<string, Json | undefined>>;

const same = (own: Json | undefined, stored: Json | undefined): boolean =>
  canonical(own ?? null) === canonical(stored ?? null);

function inLists(what: string, own: readonly Json[], stored: readonly Json[]): Difference | undefined {
  for (let at = 0; at < Math.max(own.length, stored.length); at += 1)
    if (!same(own[at], stored[at]))
      return { what: `${what} ${at}`, own: own[at] ?? null, stored: stored[at] ?? null };
  return undefined;
}

/** The first difference between what was come to and what is stored; undefined where the records are the same. */
export function difference(own: JournalRecord, stored: JournalRecord): Difference | undefined {
  if (canonical(own) === canonical(stored)) return undefined;
  const [one, other] = [own as unknown as Members, stored as unknown as Members];
  if (!same(one.verdict, other.verdict))
    return { what: "verdict", own: one.verdict ?? null, stored: other.verdict ?? null };
  const listed =
    inLists("event", own.events as unknown as Json[], stored.events as unknown as Json[]) ??
    inLists("effect", own.effects as unknown as Json[], stored.effects as unknown as Json[]);
  if (listed) return listed;
  const what = [...new Set([...Object.keys(one), ...Object.keys(other)])]
    .sort()
    .find((name) => !same(one[name], other[name]));
  if (what === undefined) return undefined;
  return { what, own: one[what] ?? null, stored: other[what] ?? null };
}
