import { type Clock, delay } from "@skep/clock";
import { fault } from "./faults.ts";

/** The point of a name. Throws `bridge.refused` where the rules have none. */
export function pointOf<P extends { readonly name: string }>(points: readonly P[], name: string): P {
  const point = points.find((one) => one.name === name);
  if (!point) throw fault.refused(name);
  return point;
}

/** Throws `bridge.bounds` where a point may not be written to a value. */
export function checkBounds(
  point: {
    readonly name: string;
    readonly least?: number | undefined;
    readonly most?: number | undefined;
  },
  value: number,
): void {
  const { name, least = Number.NEGATIVE_INFINITY, most = Number.POSITIVE_INFINITY } = point;
  if (value < least || value > most) throw fault.bounds(`${name}: ${value} of ${least} to ${most}`);
}

/** Whether a value stands at a point whose smallest step is `step`: registers hold fewer digits than a double. */
export const stands = (now: unknown, wanted: number, step: number): boolean =>
  typeof now === "number" &&
  Math.abs(now - wanted) <= Math.max(1e-9, Math.abs(wanted) * 1e-6, Math.abs(step) / 2);

/** How long a device may take to show what it was told. */
export interface Settling {
  readonly clock: Clock;
  /** Milliseconds, as the next. */
  readonly within: number;
  readonly look: number;
  /** What was done, and which point is to show it. */
  readonly what: string;
}

/** Waits until what is read is what was written. Throws `bridge.lost` where it is not in time. */
export async function settled(
  read: () => Promise<number> | number | undefined,
  isIt: (now: number | undefined) => boolean,
  { clock, within, look, what }: Settling,
): Promise<void> {
  const until = clock.monotonic() + within;
  for (;;) {
    const now = await read();
    if (isIt(now)) return;
    if (clock.monotonic() >= until)
      throw fault.lost(`${what} ${now === undefined ? "tells nothing" : `still tells ${now}`}`);
    await delay(clock, look);
  }
}
