import { open, stat, statfs, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import type { Clock } from "@skep/clock";
import { writeAll } from "./append.ts";
import { asFault, isErrno, makeDir, syncDir } from "./paths.ts";

const mebibyte = 1024 * 1024;
const largestReserve = 64 * mebibyte;

/** Bytes kept from use, so that outcomes and drain can still be written on a full disk. */
export interface Reserve {
  /** Bytes that the reserve is to have. */
  readonly size: number;
  /** Bytes that it has now; 0 after `release`. */
  readonly held: number;
  /** Gives the bytes to the file system. */
  release(): Promise<void>;
  /** Takes them again where twice as many are free; false where not. */
  refill(): Promise<boolean>;
}

// Not zeros, and no two blocks alike: a file system that compresses or shares blocks would keep nothing back.
function fillWithNoise(words: Uint32Array, seed: number): void {
  let state = seed | 1;
  for (let at = 0; at < words.length; at += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[at] = state;
  }
}

class FileReserve implements Reserve {
  readonly #path: string;
  readonly size: number;
  #held: number;

  constructor(path: string, size: number, held: number) {
    this.#path = path;
    this.size = size;
    this.#held = held;
  }

  get held(): number {
    return this.#held;
  }

  async release(): Promise<void> {
    this.#held = 0;
    try {
      await unlink(this.#path);
      await syncDir(dirname(this.#path));
    } catch (error) {
      if (!isErrno(error, "ENOENT")) throw asFault(error, "reserve");
    }
  }

  async refill(): Promise<boolean> {
    if (this.#held === this.size) return true;
    const { bavail, bsize } = await statfs(dirname(this.#path));
    if (bavail * bsize < 2 * this.size) return false;
    try {
      await this.#write();
    } catch (error) {
      await this.release();
      if (isErrno(error, "ENOSPC") || isErrno(error, "EDQUOT")) return false;
      throw asFault(error, "reserve");
    }
    this.#held = this.size;
    return true;
  }

  async #write(): Promise<void> {
    const handle = await open(this.#path, "w", 0o600);
    try {
      const words = new Uint32Array(mebibyte / 4);
      const bytes = Buffer.from(words.buffer);
      for (let at = 0; at < this.size; at += mebibyte) {
        fillWithNoise(words, at + 1);
        await writeAll(handle, [bytes.subarray(0, Math.min(mebibyte, this.size - at))]);
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
}

/** The reserve in a file: 64 MiB, or 5 % of a smaller file system. Filled at once where there is room. */
export async function openReserve(path: string, size?: number): Promise<Reserve> {
  await makeDir(dirname(path));
  const { bsize, blocks } = await statfs(dirname(path));
  const wanted = size ?? Math.min(largestReserve, Math.floor((bsize * blocks) / 20));
  const there = await stat(path).then(
    (found) => found.size,
    () => 0,
  );
  const reserve = new FileReserve(path, wanted, there === wanted ? wanted : 0);
  // What is there and has another size holds nothing back that is counted.
  if (!(await reserve.refill()) && there > 0) await reserve.release();
  return reserve;
}

/** How full a file system is: below its levels `low` or `tight` (no new work), and `full` (no new commands). */
export interface Space {
  readonly freeBytes: number;
  readonly freeRatio: number;
  readonly level: "ok" | "low" | "tight" | "full";
}

/** Shares of a file system, 0 to 1, below which free space is `low` and `tight`. */
export interface SpaceLevels {
  readonly low: number;
  readonly tight: number;
}

/** A poller of free space. */
export interface SpaceWatch {
  /** What the last poll found; undefined before the first ended. */
  readonly now: Space | undefined;
  /** Polls at once. */
  poll(): Promise<Space>;
  stop(): void;
}

const standardLevels: SpaceLevels = { low: 0.1, tight: 0.05 };
const fullBelow = 16 * mebibyte;

/** Free and total bytes as a level; `full` begins at 16 MiB, or at 2 % of a smaller file system. */
export function judgeSpace(
  { free, total }: { readonly free: number; readonly total: number },
  { low, tight }: SpaceLevels = standardLevels,
): Space {
  const freeRatio = total > 0 ? Math.max(0, free / total) : 0;
  const level = (): Space["level"] => {
    if (total <= 0 || free < Math.min(fullBelow, total / 50)) return "full";
    if (freeRatio < tight) return "tight";
    return freeRatio < low ? "low" : "ok";
  };
  return { freeBytes: Math.max(0, free), freeRatio, level: level() };
}

/** How a poller looks. */
export interface SpaceWatchOptions {
  readonly space: () => Promise<{ readonly free: number; readonly total: number }>;
  readonly clock: Clock;
  /** Milliseconds between two polls; 5,000 unless told. */
  readonly every?: number;
  readonly levels?: SpaceLevels;
  /** Bytes that this program has written so far: what it wrote since the last poll counts as not free. */
  readonly used?: () => number;
  readonly changed?: (space: Space) => void;
}

/** Polls free space and tells each change of level; a failed poll keeps the last one. */
export function watchSpace(options: SpaceWatchOptions): SpaceWatch {
  const { space, clock, every = 5_000, levels = standardLevels, used = () => 0, changed } = options;
  let seen: { readonly free: number; readonly total: number; readonly used: number } | undefined;
  let now: Space | undefined;
  let stopped = false;
  const poll = async () => {
    const usedBefore = used();
    seen = { ...(await space()), used: usedBefore };
    const found = judgeSpace(seen, levels);
    // Polls may overlap: only the first of two that find the same tells it.
    const before = now?.level;
    now = found;
    if (found.level !== before && !stopped) changed?.(found);
    return found;
  };
  let timer = clock.after(0, turn);
  function turn(): void {
    poll()
      .catch(() => undefined)
      .then(() => {
        if (!stopped) timer = clock.after(every, turn);
      });
  }
  return {
    get now() {
      const since = seen ? used() - seen.used : 0;
      return seen && since > 0 ? judgeSpace({ free: seen.free - since, total: seen.total }, levels) : now;
    },
    poll,
    stop() {
      stopped = true;
      timer.stop();
    },
  };
}
