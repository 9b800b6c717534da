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

/** Locks a home for this process; throws when another daemon has it. */
export function lock(home: string): HomeLock {
  return lockHome(home);
}

/** Opens the storage of a home whose lock is held. */
export async function openStorage(home: string, reserveBytes: number): Promise<HomeStorage> {
  const files = openFiles(places.files(home));
  const blobs = openBlobs(places.blobs(home));
  const index = await openIndex(places.index(home));
  const reserve = await openReserve(places.reserve(home), reserveBytes);
  const space = watchSpace({ space: () => files.space(), clock: realClock, every: 1000 });
  await space.poll();
  return {
    files,
    blobs,
    index,
    reserve,
    space,
    [Symbol.asyncDispose]: async () => space.stop(),
  };
}
