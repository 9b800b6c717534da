import type { Wrong } from "./units.ts";

/** Minutes of a week, Monday 00:00 being 0; `end` is behind the last one and may lie in the next week. */
export interface Window {
  readonly start: number;
  readonly end: number;
}

/** Days from the first to the last, both included, as `2026-12-24`. */
export interface Days {
  readonly first: string;
  readonly last: string;
}

/** The local time of the machine. */
export interface LocalTime {
  /** 0 for Monday. */
  readonly weekday: number;
  /** Minutes since midnight, with a fraction for the seconds. */
  readonly minute: number;
  /** As `2026-12-24`. */
  readonly date: string;
}

const dayMinutes = 1440;
const weekMinutes = 7 * dayMinutes;
const names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const cure = 'Write days, times, or both, as "mon-fri 18:00-08:00", "sat-sun" or "22:00-06:00"';

function dayOf(text: string): number {
  return names.indexOf(text.slice(0, 3));
}

function daysOf(text: string): number[] | undefined {
  const found = new Set<number>();
  for (const part of text.split(",")) {
    const [, from = "", to = from] = /^([a-z]+)(?:-([a-z]+))?$/.exec(part) ?? [];
    const first = dayOf(from);
    const last = dayOf(to);
    if (first < 0 || last < 0) return undefined;
    for (let day = first; ; day = (day + 1) % 7) {
      found.add(day);
      if (day === last) break;
    }
  }
  return [...found];
}

function minuteOf(text: string): number {
  const [, hour = "", minute = ""] = /^(\d{1,2}):(\d{2})$/.exec(text) ?? [];
  const value = Number(hour) * 60 + Number(minute);
  return hour === "" || Number(minute) > 59 || value > dayMinutes ? Number.NaN : value;
}

/** One entry of `hours`: the windows that it opens in each week. A window over midnight belongs to the day on which it begins. */
export function parseHours(text: string): readonly Window[] | Wrong {
  const words = text.trim().toLowerCase().split(/\s+/);
  const wrong: Wrong = { wrong: `${JSON.stringify(text)} is no time of the week`, cure };
  const times = words.at(-1)?.includes(":") ? words.pop() : undefined;
  const days = words.length === 0 ? [0, 1, 2, 3, 4, 5, 6] : daysOf(words.join(""));
  if (!days) return wrong;
  const [from = "0:00", to = "24:00"] = times === undefined ? [] : times.split("-");
  const first = minuteOf(from);
  const last = minuteOf(to);
  if (Number.isNaN(first) || Number.isNaN(last) || first === last) return wrong;
  const length = last > first ? last - first : last + dayMinutes - first;
  return days.map((day) => ({ start: day * dayMinutes + first, end: day * dayMinutes + first + length }));
}

/** One entry of `not_on`: a day or a range of days, `2026-12-24` or `2026-12-24..2026-12-26`. */
export function parseDays(text: string): Days | Wrong {
  const form = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/;
  const [first = "", last = first, more] = text.split("..").map((part) => part.trim());
  if (more !== undefined || !form.test(first) || !form.test(last) || last < first)
    return {
      wrong: `${JSON.stringify(text)} is no day and no range of days`,
      cure: 'Write "2026-12-24" or "2026-12-24..2026-12-26"',
    };
  return { first, last };
}

/** Minutes until one of the windows is open, 0 where one is; undefined where none ever opens. */
export function minutesToOpen(
  windows: readonly Window[],
  { weekday, minute }: LocalTime,
): number | undefined {
  const now = weekday * dayMinutes + minute;
  let least: number | undefined;
  for (const { start, end } of windows) {
    // It may have begun last week.
    for (const shift of [-weekMinutes, 0, weekMinutes]) {
      if (now >= start + shift && now < end + shift) return 0;
      const wait = start + shift - now;
      if (wait > 0 && (least === undefined || wait < least)) least = wait;
    }
  }
  return least;
}

/** Whether a local date is among these days. */
export function isAmong(days: readonly Days[], date: string): boolean {
  return days.some(({ first, last }) => date >= first && date <= last);
}
