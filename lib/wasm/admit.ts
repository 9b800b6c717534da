import { assemble } from "./assemble.ts";
import { type AdmitBounds, defaultBounds } from "./bounds.ts";
import { fault } from "./fault.ts";
import { emptyLayout, type Layout } from "./layout.ts";
import { Reader } from "./reader.ts";
import { sections, shown } from "./sections.ts";

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

/**
 * Parses, admits and instruments a module. What it does not know is refused with a fault `wasm.*` that names what and where. The
 * types of the code are left to the engine: `compile` reports them.
 */
export function admit(bytes: Uint8Array, bounds: Partial<AdmitBounds> = {}): Admitted {
  const layout = readModule(bytes, { ...defaultBounds, ...bounds });
  const { module, features } = assemble(layout);
  return {
    module,
    report: {
      functions: layout.functions.length,
      imports: layout.imports.map(({ name }) => name),
      memory: layout.memory && { minPages: layout.memory.min, maxPages: layout.memory.max },
      tableEntries: layout.table?.min ?? 0,
      features,
      bytesBefore: bytes.length,
      bytesAfter: module.length,
    },
  };
}

const magic = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

function readModule(bytes: Uint8Array, bounds: AdmitBounds): Layout {
  if (bytes.length > bounds.moduleBytes)
    throw fault.bound(`${bytes.length} bytes of module, at most ${bounds.moduleBytes}`);
  const reader = new Reader(bytes, 0, bytes.length, "module");
  for (const [at, byte] of magic.entries())
    if (reader.u8() !== byte) throw fault.malformed(`not a WebAssembly 1 module, byte ${at}`);
  const layout = emptyLayout(bytes, bounds);
  readSections(reader, layout);
  if (layout.bodies.length !== layout.functions.length)
    throw fault.malformed(`${layout.functions.length} functions without code`);
  if (layout.dataCount !== null && layout.dataCount !== layout.data)
    throw fault.malformed(`data count ${layout.dataCount} with ${layout.data} segments`);
  return layout;
}

function readSections(reader: Reader, layout: Layout): void {
  let last = -1;
  let customs = 0;
  let customBytes = 0;
  while (reader.at < reader.end) {
    const at = reader.at;
    const id = reader.u8();
    const size = reader.u32();
    if (id === 0) {
      customBytes += size;
      readCustom(reader.part(size, "custom section"), layout.bounds, ++customs, customBytes);
      continue;
    }
    const place = sections.findIndex(([known]) => known === id);
    const section = sections[place];
    if (id === 13) throw fault.feature(`exception handling, section at byte ${at}`);
    if (!section) throw fault.section(`${id} at byte ${at}`);
    if (place <= last) throw fault.order(`${section[1]} at byte ${at}`);
    last = place;
    const part = reader.part(size, section[1]);
    section[2](part, layout);
    part.finish();
  }
}

function readCustom(reader: Reader, bounds: AdmitBounds, customs: number, bytes: number): void {
  const name = reader.name(bounds.nameBytes);
  const label = `${shown(name)}, ${reader.where()}`;
  if (customs > bounds.customSections)
    throw fault.bound(`${customs} custom sections, at most ${bounds.customSections}: ${label}`);
  if (bytes > bounds.customBytes)
    throw fault.bound(`${bytes} bytes of custom sections, at most ${bounds.customBytes}: ${label}`);
}
