export { bundle, bundleMeasure, isBuilt, pageDigest, pageDir } from "./build.ts";
export { openPage, type Page } from "./open.ts";
