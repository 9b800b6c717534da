/** A timer that can be stopped; stopping twice is harmless. */
export interface Timer {
  stop(): void;
}

/** Time as an argument. */
export interface Clock {
  /** Wall clock, milliseconds since 1970-01-01 UTC; may jump. */
  now(): number;
  /** Milliseconds since some fixed moment; never goes back. */
  monotonic(): number;
  /** Calls `act` once after `ms` milliseconds; such a timer never keeps a process alive. */
  after(ms: number, act: () => void): Timer;
}

/** Resolves after `ms` milliseconds; rejects with the signal's reason when that aborts first. */
export function delay(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const stop = () => {
      timer.stop();
      reject(signal?.reason);
    };
    const timer = clock.after(ms, () => {
      signal?.removeEventListener("abort", stop);
      resolve();
    });
    signal?.addEventListener("abort", stop, { once: true });
    return undefined;
  });
}
