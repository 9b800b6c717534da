import { formatTime } from "@skep/text";

/** Latest moment that a statement can hold: the end of the year 9999. */
export const latest = 253_402_300_799;

/** Seconds since 1970 UTC as `2026-11-20T09:00:00Z`. */
export function printMoment(seconds: number): string {
  return formatTime(seconds * 1000).replace(".000Z", "Z");
}

function daysBefore(year: number, month: number): number {
  // Years that begin in March have their leap day at the end.
  const shifted = month > 2 ? year : year - 1;
  const leaps = Math.floor(shifted / 4) - Math.floor(shifted / 100) + Math.floor(shifted / 400);
  return shifted * 365 + leaps + Math.floor((153 * ((month + 9) % 12) + 2) / 5) - 719_469;
}

/** Seconds since 1970 UTC of what `printMoment` prints, else undefined. */
export function parseMoment(text: string): number | undefined {
  const found = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)Z$/.exec(text);
  if (!found) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = found.slice(1).map(Number);
  const seconds = (daysBefore(year, month) + day) * 86_400 + hour * 3600 + minute * 60 + second;
  return seconds >= 0 && printMoment(seconds) === text ? seconds : undefined;
}
