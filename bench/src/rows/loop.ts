import type { Client } from "@skep/ninep";

/** The daemon's own figures of its event loop, milliseconds. */
export interface LoopFigures {
  /** Of the last five seconds or so. */
  readonly p99: number;
  /** Since the start, which includes what is loaded and compiled for the first request of its kind. */
  readonly max: number;
  /** Of the last five to ten seconds. */
  readonly recentMax: number;
  /** The same without the time that other threads and programs had the processor. */
  readonly recentOwn: number;
}

/** Reads `/proc/9p/loop.json`. */
export async function loopOf(client: Client): Promise<LoopFigures> {
  const figures = JSON.parse((await client.readAll("/proc/9p/loop.json")).toString()) as Record<
    string,
    number
  >;
  return {
    p99: figures.p99_ms ?? Number.NaN,
    max: figures.max_ms ?? Number.NaN,
    recentMax: figures.recent_max_ms ?? Number.NaN,
    recentOwn: figures.recent_own_max_ms ?? Number.NaN,
  };
}
