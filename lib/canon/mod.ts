export { canonical, canonicalUtf8 } from "./canonical.ts";
export { type ParseLimits, parseJson } from "./parse.ts";
