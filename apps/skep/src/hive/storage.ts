import { join } from "node:path";
import {
  type BlobStore,
  type HomeLock,
  lockHome,
  openBlobs,
  openFiles,
  openIndex,
  openReserve,
  type Reserve,
  type Space,
  type SpaceLevels,
  type SpaceWatch,
  watchSpace,
} from "@skep/storage";
import type { Files, Index } from "@skep/kernel";
import { realClock } from "../clock.ts";

/** Everything that a running hive keeps in its home. */
export interface HomeStorage extends AsyncDisposable {
  readonly files: Files;
  readonly blobs: BlobStore;
  readonly index: Index;
  readonly reserve: Reserve;
  readonly space: SpaceWatch;
}

/** Where things lie in a home. */
export const places = {
  files: (home: string): string => join(home, "hive"),
  blobs: (home: string): string => join(home, "blobs"),
  index: (home: string): string => join(home, "index.sqlite"),
  reserve: (home: string): string => join(home, "reserve"),
} as const;

/** How the disk is watched. */
export interface DiskOptions {
  /** Bytes held back; on a small file system 5 % of it. */
  readonly reserve: number;
  readonly levels: SpaceLevels;
  /** Bytes that the hive has journalled since its start. */
  readonly written: () => number;
  /** A line for the operator. */
  readonly log: (line: string) => void;
}

/** Locks a home for this process; throws `home.held` when another has it. */
export function lock(home: string, options: { readonly daemon?: boolean } = {}): HomeLock {
  return lockHome(home, options);
}

const meaning: Record<Space["level"], string> = {
  ok: "enough",
  low: "little",
  tight: "no new work is taken",
  full: "no new commands are taken, and the reserve is given to what must still be written",
};

async function reserveOf(home: string, files: Files, wanted: number): Promise<Reserve> {
  const { total } = await files.space();
  return openReserve(places.reserve(home), Math.min(wanted, Math.floor(total / 20)));
}

/**
 * Free space as the hive counts it. What the reserve has to get back is not free, so that giving it away does not look
 * like room for new work; it is taken back once there is room for both.
 */
async function measure(files: Files, reserve: Reserve): Promise<{ free: number; total: number }> {
  const { free, total } = await files.space();
  const lacks = reserve.size - reserve.held;
  if (lacks > 0 && free - lacks > total / 20) await reserve.refill();
  return { free: free - lacks, total };
}

/** Opens the storage of a home whose lock is held. On a full disk the reserve is released first. */
export async function openStorage(home: string, disk: DiskOptions): Promise<HomeStorage> {
  const files = openFiles(places.files(home));
  const blobs = openBlobs(places.blobs(home));
  const reserve = await reserveOf(home, files, disk.reserve);
  const space = watchSpace({
    space: () => measure(files, reserve),
    clock: realClock,
    every: 1000,
    levels: disk.levels,
    used: disk.written,
    changed: ({ level, freeRatio }) => {
      if (level === "full") void reserve.release().catch((error) => disk.log(`reserve: ${String(error)}`));
      disk.log(`disk: ${Math.round(freeRatio * 1000) / 10} % free: ${meaning[level]}`);
    },
  });
  if ((await space.poll()).level === "full") await reserve.release();
  const index = await openIndex(places.index(home));
  return {
    files,
    blobs,
    index,
    reserve,
    space,
    [Symbol.asyncDispose]: async () => space.stop(),
  };
}
