const sequence = /^(0|[1-9][0-9]{0,15})$/;
const moment =
  /^([0-9]{4})-([0-9]{2})-([0-9]{2})(?:T([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,3}))?)?Z?)?$/;

/** What a name below `/at` means: a record, or a time in milliseconds since 1970. */
export type Moment = { readonly seq: number } | { readonly time: number };

function isLeap(year: number): boolean {
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
}

function daysIn(year: number, month: number): number {
  if (month === 2) return isLeap(year) ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

/** Days from 1970-01-01 to a date of the Gregorian calendar. */
function dayNumber(year: number, month: number, day: number): number {
  const before = year - 1;
  let days = before * 365 + Math.floor(before / 4) - Math.floor(before / 100) + Math.floor(before / 400);
  for (let at = 1; at < month; at += 1) days += daysIn(year, at);
  return days + day - 719_163;
}

/**
 * Reads a sequence or an ISO 8601 date or time, UTC: `2026-01-31`, `2026-01-31T12:00Z`, `2026-01-31T12:00:00.5`.
 * Undefined for anything else.
 */
export function parseMoment(name: string): Moment | undefined {
  if (sequence.test(name)) return { seq: Number(name) };
  const found = moment.exec(name);
  if (!found) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = found
    .slice(1, 7)
    .map((part) => Number(part ?? 0));
  const milliseconds = Number((found[7] ?? "").padEnd(3, "0"));
  if (year < 1 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return undefined;
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const days = dayNumber(year, month, day);
  return { time: (((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 + milliseconds };
}
