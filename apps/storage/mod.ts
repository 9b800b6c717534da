export { type BlobStore, openBlobs } from "./src/blobs.ts";
export { openFiles } from "./src/files.ts";
export { openIndex } from "./src/index-client.ts";
export { type HomeLock, lockHome } from "./src/lock.ts";
export {
  judgeSpace,
  openReserve,
  type Reserve,
  type Space,
  type SpaceLevels,
  type SpaceWatch,
  type SpaceWatchOptions,
  watchSpace,
} from "./src/space.ts";
