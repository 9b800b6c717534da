export type { Limits } from "./src/files.ts";
export {
  type Chunk,
  decodeManifest,
  decodeTable,
  digestForm,
  encodeManifest,
  encodeTable,
  type Manifest,
  mostChunkBytes,
  mostSmall,
  nameForm,
  signerOf,
  signManifest,
} from "./src/manifest.ts";
export { manifestToml } from "./src/show.ts";
export { mountModels, type ModelsDeps, type ModelsMount } from "./src/models.ts";
