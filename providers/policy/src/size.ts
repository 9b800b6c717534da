import type { PolicyFiles } from "@skep/policy";

/** Bytes of a set at most. */
export const mostSet = 128 * 1024;

/** Bytes of all texts of a set. */
export function sizeOf(files: PolicyFiles): number {
  return Object.values(files).reduce((sum, text) => sum + Buffer.byteLength(text), 0);
}
