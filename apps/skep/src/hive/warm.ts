import type { Clock, Timer } from "@skep/clock";
import type { Journal } from "@skep/kernel";
import type { Fold } from "./fold.ts";

/** So long after the start, milliseconds: whoever waits for the hive itself comes first. */
const after = 3000;

/** A journal with fewer records is folded in no time, and a small hive stays small: a thread costs tens of megabytes. */
const least = 20_000;

/** Has the thread for the past started before anybody looks, where the journal is long. */
export function warmPast(fold: Fold, journal: Journal, clock: Clock): Timer {
  return clock.after(after, () => {
    if (journal.durable >= least) void fold.warm(journal.durable).catch(() => undefined);
  });
}
