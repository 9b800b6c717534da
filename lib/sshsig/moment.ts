/** A moment as a calendar tells it; months and days count from 1. */
export interface CivilTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

/** Seconds since 1970 UTC of a moment in the machine's own zone, or undefined where there is no such moment. */
export type LocalTime = (moment: CivilTime) => number | undefined;

function daysInMonth(year: number, month: number): number {
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  if (month === 2) return leap ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

/** Seconds since 1970 UTC of a moment in UTC. */
export function utcTime({ year, month, day, hour, minute, second }: CivilTime): number {
  const before = year - 1;
  const leaps = Math.floor(before / 4) - Math.floor(before / 100) + Math.floor(before / 400);
  let days = before * 365 + leaps + day - 1;
  for (let passed = 1; passed < month; passed += 1) days += daysInMonth(year, passed);
  return (days - 719_162) * 86_400 + hour * 3600 + minute * 60 + second;
}

function exists({ year, month, day, hour, minute, second }: CivilTime): boolean {
  const dated = year > 0 && month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month);
  return dated && hour < 24 && minute < 60 && second < 60;
}

/**
 * Reads `YYYYMMDD[HHMM[SS]]`, with `Z` or `UTC` after it in UTC, else by `local`: seconds since 1970 UTC. Undefined
 * where it is none, where the day does not exist, before 1970, and for a local time when no `local` is given.
 */
export function parseMoment(text: string, local: LocalTime | undefined): number | undefined {
  const found = /^(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?(Z|UTC)?$/i.exec(text);
  if (!found) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = found
    .slice(1, 7)
    .map((digits) => Number(digits ?? 0));
  const moment = { year, month, day, hour, minute, second };
  if (!exists(moment)) return undefined;
  const seconds = found[7] ? utcTime(moment) : local?.(moment);
  return seconds !== undefined && seconds > 0 ? seconds : undefined;
}
