import type { AdmitBounds } from "./bounds.ts";
import type { Reader } from "./reader.ts";

/** A function type; value types are their bytes. */
export interface FunctionType {
  readonly params: readonly number[];
  readonly results: readonly number[];
}

/** Least and most of a memory or table. */
export interface Limits {
  readonly min: number;
  readonly max: number | null;
}

/** A list inside a section: how many things, and where their bytes lie. */
export interface Span {
  readonly count: number;
  readonly from: number;
  readonly to: number;
}

/** What was read of a module so far; section readers fill it in order. */
export interface Layout {
  readonly bounds: AdmitBounds;
  readonly bytes: Uint8Array;
  readonly types: FunctionType[];
  readonly imports: { readonly name: string; readonly type: number }[];
  /** Type of each function that the module defines. */
  readonly functions: number[];
  table: Limits | null;
  memory: Limits | null;
  /** Whether each global is mutable. */
  readonly globals: boolean[];
  /** Index of the function that is exported as `_start`. */
  entry: number | null;
  start: number | null;
  elements: number;
  dataCount: number | null;
  data: number;
  /** One reader per function body. */
  readonly bodies: Reader[];
  /** List of each section that was there, by section id. */
  readonly spans: Map<number, Span>;
  readonly features: Set<string>;
}

export function emptyLayout(bytes: Uint8Array, bounds: AdmitBounds): Layout {
  return {
    bounds,
    bytes,
    types: [],
    imports: [],
    functions: [],
    table: null,
    memory: null,
    globals: [],
    entry: null,
    start: null,
    elements: 0,
    dataCount: null,
    data: 0,
    bodies: [],
    spans: new Map(),
    features: new Set(),
  };
}

/** Functions that the module imports and defines. */
export function functionCount(layout: Layout): number {
  return layout.imports.length + layout.functions.length;
}

/** Type of a function by its index. */
export function typeOfFunction(layout: Layout, index: number): FunctionType | undefined {
  const imported = layout.imports[index];
  const type = imported ? imported.type : layout.functions[index - layout.imports.length];
  return type === undefined ? undefined : layout.types[type];
}
