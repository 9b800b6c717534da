import { formatTime } from "@skep/text";
import { addTime, emptyHistogram, type Histogram } from "./histogram.ts";
import type { RuleName } from "./judge.ts";

/** How often and how long work stood still for one reason. */
export interface Stops {
  readonly times: number;
  readonly ms: number;
}

/** What one month was. */
export interface Month {
  readonly stops: Readonly<Partial<Record<RuleName, Stops>>>;
  /** Milliseconds in which work was let in. */
  readonly lentMs: number;
  /** Milliseconds of processor time that others' work took. */
  readonly cpuMs: number;
  /** Jobs that ended here. */
  readonly jobs: number;
  /** Jobs that went back unfinished. */
  readonly givenBack: number;
}

/** All that is kept about the past. Bound: 24 months. */
export interface Book {
  readonly v: 1;
  /** From the moment at which the worker saw a reason until nothing ran any more. */
  readonly latency: Histogram;
  /** From the event itself, where it tells when it was. */
  readonly fromEvent: Histogram;
  readonly months: Readonly<Record<string, Month>>;
  /** What lasts: since when, and for which reason work stands still. */
  readonly open: { readonly from: number; readonly rule: RuleName | null } | null;
}

/** What happens, at a time in milliseconds since 1970. */
export type Entry =
  /** Work begins or goes on. */
  | { readonly kind: "run"; readonly at: number }
  /** Work was stopped, and what that took. */
  | {
      readonly kind: "stop";
      readonly at: number;
      readonly rule: RuleName;
      readonly latency?: number;
      readonly fromEvent?: number;
    }
  /** The same goes on; processor time since the last time that this was said, jobs that ended or went back meanwhile. */
  | {
      readonly kind: "lent";
      readonly at: number;
      readonly cpuMs: number;
      readonly jobs: number;
      readonly givenBack: number;
    }
  /** The worker ends. */
  | { readonly kind: "end"; readonly at: number };

const mostMonths = 24;
const dayMs = 86_400_000;

/** Nothing happened yet. */
export const emptyBook: Book = {
  v: 1,
  latency: emptyHistogram,
  fromEvent: emptyHistogram,
  months: {},
  open: null,
};

const noMonth: Month = { stops: {}, lentMs: 0, cpuMs: 0, jobs: 0, givenBack: 0 };

/** The month of a moment, UTC, as `2026-03`. */
export function monthOf(at: number): string {
  return formatTime(at).slice(0, 7);
}

function change(months: Book["months"], month: string, act: (month: Month) => Month): Book["months"] {
  const changed = { ...months, [month]: act(months[month] ?? noMonth) };
  const names = Object.keys(changed).sort();
  for (const old of names.slice(0, Math.max(0, names.length - mostMonths))) delete changed[old];
  return changed;
}

function add(stops: Month["stops"], rule: RuleName, times: number, ms: number): Month["stops"] {
  const before = stops[rule] ?? { times: 0, ms: 0 };
  return { ...stops, [rule]: { times: before.times + times, ms: before.ms + ms } };
}

/** Books what lasted until now, each month its own part. */
function settle({ months, open }: Book, at: number): Book["months"] {
  let from = open?.from ?? at;
  let settled = months;
  while (open && from < at) {
    const month = monthOf(from);
    let end = (Math.floor(from / dayMs) + 1) * dayMs;
    while (end < at && monthOf(end) === month) end += dayMs;
    const ms = Math.min(end, at) - from;
    settled = change(settled, month, (one) =>
      open.rule === null
        ? { ...one, lentMs: one.lentMs + ms }
        : { ...one, stops: add(one.stops, open.rule, 0, ms) },
    );
    from += ms;
  }
  return settled;
}

/** The book after one more entry. A clock that went back costs the time between, and nothing else. */
export function enter(book: Book, entry: Entry): Book {
  const { at } = entry;
  const months = settle(book, at);
  if (entry.kind === "end") return { ...book, months, open: null };
  if (entry.kind === "run") return { ...book, months, open: { from: at, rule: null } };
  if (entry.kind === "lent") {
    const { cpuMs, jobs, givenBack } = entry;
    const lent = change(months, monthOf(at), (one) => ({
      ...one,
      cpuMs: one.cpuMs + cpuMs,
      jobs: one.jobs + jobs,
      givenBack: one.givenBack + givenBack,
    }));
    return { ...book, months: lent, open: book.open && { ...book.open, from: at } };
  }
  const { rule, latency, fromEvent } = entry;
  // Another reason while work stands still already is no other stop.
  const isNew = book.open?.rule !== rule;
  return {
    ...book,
    latency: latency === undefined ? book.latency : addTime(book.latency, latency),
    fromEvent: fromEvent === undefined ? book.fromEvent : addTime(book.fromEvent, fromEvent),
    months: isNew
      ? change(months, monthOf(at), (one) => ({ ...one, stops: add(one.stops, rule, 1, 0) }))
      : months,
    open: { from: at, rule },
  };
}

/** One month of a book, with what lasts until now. */
export function statementOf(book: Book, month: string, now: number): Month {
  return settle(book, now)[month] ?? noMonth;
}
