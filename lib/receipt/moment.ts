const form = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z$/;
const cycle = 146_097;

function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

function monthLengths(year: number): number[] {
  return [31, isLeap(year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
}

/** Days from 1970-01-01 to the first day of a year. */
function yearStart(year: number): number {
  const before = year - 1;
  return year * 365 + Math.floor(before / 4) - Math.floor(before / 100) + Math.floor(before / 400) - 719_527;
}

function padded(value: number, width = 2): string {
  return String(value).padStart(width, "0");
}

function printDate(days: number): string {
  let year = 1970 + Math.floor((days * 400) / cycle);
  while (yearStart(year) > days) year--;
  while (yearStart(year + 1) <= days) year++;
  let day = days - yearStart(year);
  let month = 0;
  for (const length of monthLengths(year)) {
    if (day < length) break;
    day -= length;
    month++;
  }
  return `${padded(year, 4)}-${padded(month + 1)}-${padded(day + 1)}`;
}

/** Nanoseconds since 1970-01-01 UTC as RFC 3339 with nine digits and Z. */
export function printMoment(nanoseconds: bigint): string {
  const seconds = Number(nanoseconds / 1_000_000_000n);
  const fraction = Number(nanoseconds % 1_000_000_000n);
  const ofDay = seconds % 86_400;
  const time = [Math.floor(ofDay / 3600), Math.floor(ofDay / 60) % 60, ofDay % 60].map((part) =>
    padded(part),
  );
  return `${printDate(Math.floor(seconds / 86_400))}T${time.join(":")}.${padded(fraction, 9)}Z`;
}

/** Nanoseconds since 1970-01-01 UTC; undefined when the text is no such moment, or before 1970. */
export function parseMoment(text: string): bigint | undefined {
  const found = form.exec(text);
  if (!found) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = found.slice(1, 7).map(Number);
  const lengths = monthLengths(year);
  const inRange = year >= 1970 && day >= 1 && day <= (lengths[month - 1] ?? 0);
  if (!inRange || hour > 23 || minute > 59 || second > 59) return undefined;
  const days = lengths.slice(0, month - 1).reduce((sum, length) => sum + length, yearStart(year) + day - 1);
  const seconds = days * 86_400 + hour * 3600 + minute * 60 + second;
  return BigInt(seconds) * 1_000_000_000n + BigInt((found[7] ?? "").padEnd(9, "0"));
}
