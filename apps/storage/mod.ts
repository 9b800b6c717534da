export { type BlobStore, openBlobs } from "./src/blobs.ts";
export { openFiles } from "./src/files.ts";
export { type HomeLock, lockHome } from "./src/lock.ts";
