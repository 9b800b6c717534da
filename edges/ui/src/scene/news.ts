import type { Reason } from "../palette.ts";
import type { HiveState } from "../state/hive.ts";

/** Something that somebody did or was refused, and how often one after the other. */
export interface Happening {
  /** Record of the newest of them. */
  readonly seq: number;
  readonly time: number;
  readonly subject: string;
  readonly path: string;
  readonly text: string;
  readonly count: number;
  /** Undefined for what was taken. */
  readonly reason?: Reason;
  readonly isWaiting?: boolean;
}

// Machines renew their leases all the time; what people did is what is told.
function isChatter({ subject, path }: { readonly subject: string; readonly path: string }): boolean {
  const own = [`/worker/${subject}/`, `/queen/telemetry/${subject}/`, `/${subject}/`, "/cas/"];
  return own.some((start) => path.startsWith(start));
}

const isSame = (a: Happening, b: Happening): boolean =>
  a.subject === b.subject && a.path === b.path && a.text === b.text && a.reason === b.reason;

/** The newest `most` that happened, the newest first; what was done many times in a row is told once. */
export function newsOf({ acts, refusals }: Pick<HiveState, "acts" | "refusals">, most: number): Happening[] {
  const taken = acts.all
    .filter((act) => !isChatter(act))
    .map((act): Happening => ({ ...act, count: 1, isWaiting: act.verdict === "waits" }));
  const refused = refusals.all.map((one): Happening => ({ ...one, text: one.message }));
  const news: Happening[] = [];
  for (const one of [...taken, ...refused].sort((a, b) => b.seq - a.seq)) {
    const last = news.at(-1);
    if (last && isSame(last, one)) news[news.length - 1] = { ...last, count: last.count + one.count };
    else if (news.length === most) break;
    else news.push(one);
  }
  return news;
}
