import type { Clock } from "@skep/clock";

/** The real clock of this machine; its timers keep no process alive. */
export const realClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (ms, act) => {
    const timer = setTimeout(act, ms).unref();
    return { stop: () => clearTimeout(timer) };
  },
};
