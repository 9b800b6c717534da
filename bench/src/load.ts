import { spentBy } from "./process.ts";

/** What one run of a load was. */
export interface Load {
  /** Operations per second of wall time. */
  readonly rate: number;
  /** Milliseconds of each operation; empty where nobody asked. */
  readonly times: readonly number[];
  /** Microseconds of processor time per operation: the server, its first thread, and this client. */
  readonly server: number;
  readonly serverFirst: number;
  readonly client: number;
}

/** What a load is made of. */
export interface LoadOptions {
  /** Process that serves. */
  readonly pid: number;
  /** Operations at a time. */
  readonly depth: number;
  /** Milliseconds that it lasts. */
  readonly lasts: number;
  /** Keep the time of each operation. */
  readonly timed?: boolean;
}

/** Keeps `depth` operations going for a while; `act` is told which of them it is. */
export async function load(options: LoadOptions, act: (lane: number) => Promise<unknown>): Promise<Load> {
  const { pid, depth, lasts, timed } = options;
  const times: number[] = [];
  let count = 0;
  const before = spentBy(pid);
  const own = process.cpuUsage();
  const began = performance.now();
  const until = began + lasts;
  const lane = async (at: number): Promise<void> => {
    for (let now = performance.now(); now < until; ) {
      await act(at);
      count += 1;
      const then = now;
      // The clock costs too: where nobody wants the times it is asked once in sixteen.
      if (timed || count % 16 === 0) now = performance.now();
      if (timed) times.push(now - then);
    }
  };
  await Promise.all(Array.from({ length: depth }, (_, at) => lane(at)));
  const wall = performance.now() - began;
  const { user, system } = process.cpuUsage(own);
  const after = spentBy(pid);
  return {
    rate: (count / wall) * 1000,
    times,
    server: ((after.all - before.all) * 1000) / count,
    serverFirst: ((after.first - before.first) * 1000) / count,
    client: (user + system) / count,
  };
}

/** The time below which so many percent of the operations stay. */
export function percentile(times: readonly number[], percent: number): number {
  const sorted = Float64Array.from(times).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? Number.NaN;
}

/** One run of `make` that does not count, then several that do. */
export async function several(runs: number, make: () => Promise<Load>): Promise<readonly Load[]> {
  await make();
  const made: Load[] = [];
  for (let at = 0; at < runs; at += 1) made.push(await make());
  return made;
}
