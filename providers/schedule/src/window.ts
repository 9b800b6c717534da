/** A part of each day in UTC, minutes since midnight; over midnight where `from` is after `to`. */
export type Window = { readonly from: number; readonly to: number };

const minuteMs = 60_000;
const dayMs = 1440 * minuteMs;

/** Minutes of `22:30`. */
export function minutesOf(text: string): number {
  const [hours = "0", minutes = "0"] = text.split(":");
  return Number(hours) * 60 + Number(minutes);
}

/** `22:30`. */
export function textOf(minutes: number): string {
  return `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
}

/** The first moment from `time` on that lies in the window, milliseconds since 1970. */
export function openFrom(window: Window | null, time: number): number {
  if (window === null) return time;
  const { from, to } = window;
  const midnight = Math.floor(time / dayMs) * dayMs;
  const at = (time - midnight) / minuteMs;
  const inside = from < to ? at >= from && at < to : at >= from || at < to;
  if (inside) return time;
  return midnight + from * minuteMs + (at >= from ? dayMs : 0);
}
