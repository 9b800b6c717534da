export type { Limits } from "./src/files.ts";
export {
  type Chunk,
  decodeManifest,
  encodeManifest,
  epochForm,
  fixedBytes,
  type Manifest,
  mostChunkBytes,
  publicKeyOf,
  schemas,
  signerOf,
  signManifest,
} from "./src/manifest.ts";
export { mountUpdates, type UpdatesDeps, type UpdatesMount } from "./src/updates.ts";
