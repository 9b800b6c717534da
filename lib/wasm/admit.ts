import type { AdmitBounds } from "./bounds.ts";
import { fault } from "./fault.ts";

/** What is in an admitted module. */
export interface AdmitReport {
  /** Functions that it defines. */
  readonly functions: number;
  /** Names of the WASI functions that it imports. */
  readonly imports: readonly string[];
  /** Its memory in pages of 64 KiB; null where it has none. */
  readonly memory: { readonly minPages: number; readonly maxPages: number | null } | null;
  readonly tableEntries: number;
  /** Features beyond the first version of WebAssembly, sorted. */
  readonly features: readonly string[];
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}

/** A module that may run here. */
export interface Admitted {
  /** The instrumented bytes, to be compiled. */
  readonly module: Uint8Array;
  readonly report: AdmitReport;
}

/** Parses, admits and instruments. */
export function admit(bytes: Uint8Array, _bounds?: Partial<AdmitBounds>): Admitted {
  throw fault.malformed(bytes.length);
}
