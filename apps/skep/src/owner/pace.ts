import { type Clock, delay } from "@skep/clock";

/** Waits until so many bytes may have passed. */
export type Pace = (bytes: number) => Promise<void>;

/** Lets through at once whatever comes. */
export const unpaced: Pace = async () => undefined;

/** So many bytes a second, all callers together; what a second brings may come in one piece. */
export function pace(bytesPerSecond: number, clock: Clock): Pace {
  let free = clock.monotonic() - 1000;
  return async (bytes) => {
    const now = clock.monotonic();
    free = Math.max(free, now - 1000) + (bytes / bytesPerSecond) * 1000;
    if (free > now) await delay(clock, free - now);
  };
}
