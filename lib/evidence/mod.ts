export { diff, type PackDifference } from "./src/diff.ts";
export { type Finding, inspect } from "./src/inspect.ts";
export { type Manifest, manifestName, pageName, sealName } from "./src/manifest.ts";
export { type Pack, type PackInput, pack, type Proven } from "./src/pack.ts";
export { actOf, type EvidenceRecord, type Json } from "./src/record.ts";
export { formsOf, type Hit, scan } from "./src/scan.ts";
export { type Moment, momentOf, timelineMarkdown, timelineNdjson } from "./src/timeline.ts";
export { type Verified, verify } from "./src/verify.ts";
