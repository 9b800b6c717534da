const form = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)Z$/;

/** Days from 1970-01-01 to a date of the proleptic Gregorian calendar, in years that begin on 1 March. */
function daysOf(year: number, month: number, day: number): number {
  const shifted = month > 2 ? year : year - 1;
  const era = Math.floor(shifted / 400);
  const ofEra = shifted - era * 400;
  const ofYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
  return era * 146_097 + ofEra * 365 + Math.floor(ofEra / 4) - Math.floor(ofEra / 100) + ofYear - 719_468;
}

function dateOf(days: number): string {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const day = shifted - era * 146_097;
  const ofEra = Math.floor(
    (day - Math.floor(day / 1460) + Math.floor(day / 36_524) - Math.floor(day / 146_096)) / 365,
  );
  const ofYear = day - (365 * ofEra + Math.floor(ofEra / 4) - Math.floor(ofEra / 100));
  const index = Math.floor((5 * ofYear + 2) / 153);
  const month = index < 10 ? index + 3 : index - 9;
  const year = ofEra + era * 400 + (month <= 2 ? 1 : 0);
  return `${two(year, 4)}-${two(month)}-${two(ofYear - Math.floor((153 * index + 2) / 5) + 1)}`;
}

function two(value: number, width = 2): string {
  return String(value).padStart(width, "0");
}

/** Seconds since 1970 as Biscuit writes a date: `2026-05-27T12:00:00Z`. */
export function printInstant(seconds: number): string {
  const days = Math.floor(seconds / 86_400);
  const rest = seconds - days * 86_400;
  const minutes = Math.floor(rest / 60);
  return `${dateOf(days)}T${two(Math.floor(minutes / 60))}:${two(minutes % 60)}:${two(rest % 60)}Z`;
}

/** Seconds since 1970; undefined when the text is no date of this form. */
export function parseInstant(text: string): number | undefined {
  const found = form.exec(text);
  if (!found) return undefined;
  const [, year, month, day, hour, minute, second] = found.map(Number);
  const seconds =
    daysOf(year ?? 0, month ?? 0, day ?? 0) * 86_400 +
    (hour ?? 0) * 3600 +
    (minute ?? 0) * 60 +
    (second ?? 0);
  return seconds >= 0 && printInstant(seconds) === text ? seconds : undefined;
}
