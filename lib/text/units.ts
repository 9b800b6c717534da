const none = "unknown";

/** A whole number with thousands marked: `1,234,567`. */
export function formatCount(count: number | bigint): string {
  if (typeof count === "number" && !Number.isFinite(count)) return none;
  const [whole = "", part] = count.toString().split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return part === undefined ? grouped : `${grouped}.${part}`;
}

const sizes = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/** A number of bytes in binary units, three digits: `512 B`, `1.50 KiB`, `128 MiB`. */
export function formatBytes(bytes: number | bigint): string {
  let left = Number(bytes);
  if (!Number.isFinite(left)) return none;
  let unit = 0;
  // 999.5 would be shown with four digits; 1023.6 KiB is 1.00 MiB.
  while (Math.abs(left) >= 1023.5 && unit < sizes.length - 1) {
    left /= 1024;
    unit++;
  }
  return `${unit === 0 ? Math.round(left) : threeDigits(left)} ${sizes[unit]}`;
}

function threeDigits(value: number): string {
  const size = Math.abs(value);
  if (size < 9.995) return value.toFixed(2);
  return size < 99.95 ? value.toFixed(1) : value.toFixed(0);
}

const two = (value: number) => String(value).padStart(2, "0");

function longDuration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  const [days, hours, minutes, rest] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
    seconds % 60,
  ];
  if (days > 0) return `${formatCount(days)} d ${two(hours)} h`;
  return hours > 0 ? `${hours} h ${two(minutes)} m` : `${minutes} m ${two(rest)} s`;
}

/** A span of milliseconds in its two largest units: `340 µs`, `12.0 ms`, `1.50 s`, `2 m 05 s`, `3 d 04 h`. */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms)) return none;
  if (ms < 0) return `-${formatDuration(-ms)}`;
  if (ms === 0) return "0 ms";
  if (ms < 0.9995) return `${Math.round(ms * 1000)} µs`;
  if (ms < 999.5) return `${threeDigits(ms)} ms`;
  return ms < 59_950 ? `${threeDigits(ms / 1000)} s` : longDuration(ms);
}

/** Year, month and day of a day number since 1970-01-01, in the proleptic Gregorian calendar. */
function civil(day: number): readonly [number, number, number] {
  const shifted = day + 719_468;
  const era = Math.floor(shifted / 146_097);
  const ofEra = shifted - era * 146_097;
  const year = Math.floor(
    (ofEra - Math.floor(ofEra / 1460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) / 365,
  );
  const ofYear = ofEra - (365 * year + Math.floor(year / 4) - Math.floor(year / 100));
  const month = Math.floor((5 * ofYear + 2) / 153);
  const date = ofYear - Math.floor((153 * month + 2) / 5) + 1;
  return [year + era * 400 + (month >= 10 ? 1 : 0), month < 10 ? month + 3 : month - 9, date];
}

function yearText(year: number): string {
  if (year >= 0 && year <= 9999) return String(year).padStart(4, "0");
  return `${year < 0 ? "-" : "+"}${String(Math.abs(year)).padStart(6, "0")}`;
}

/** A moment in milliseconds since 1970-01-01 UTC, as ISO 8601 UTC with milliseconds: `2024-02-29T12:00:00.000Z`. */
export function formatTime(ms: number): string {
  if (!Number.isFinite(ms) || Math.abs(ms) > 8.64e15) return none;
  const whole = Math.floor(ms);
  const day = Math.floor(whole / 86_400_000);
  const rest = whole - day * 86_400_000;
  const [year, month, date] = civil(day);
  const clock = [Math.floor(rest / 3_600_000), Math.floor(rest / 60_000) % 60, Math.floor(rest / 1000) % 60];
  return `${yearText(year)}-${two(month)}-${two(date)}T${clock.map(two).join(":")}.${String(rest % 1000).padStart(3, "0")}Z`;
}
