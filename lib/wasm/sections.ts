import { escapeForeign } from "@skep/text";
import { fault } from "./fault.ts";
import { type Layout, type Limits, functionCount, typeOfFunction } from "./layout.ts";
import { preview1 } from "./preview1.table.ts";
import type { Reader } from "./reader.ts";
import { readData, readElements, readGlobals, span } from "./segments.ts";
import { valueType } from "./value-type.ts";

/** Export names that begin so belong to the injector. */
export const reservedPrefix = "skep:";

export function shown(name: string): string {
  return escapeForeign(name, { form: "terminal", max: 60 });
}

function readTypes(reader: Reader, layout: Layout): void {
  const count = span(reader, layout, 1, "types", layout.bounds.types);
  for (let n = 0; n < count; n++) {
    reader.what = `type ${n}`;
    const form = reader.u8();
    if (form >= 0x4e && form <= 0x5f) throw fault.feature(`garbage collection, ${reader.where()}`);
    if (form !== 0x60) throw fault.malformed(`unknown form of type, ${reader.where()}`);
    const params = valueTypes(reader, "parameters", layout.bounds.params);
    const results = valueTypes(reader, "results", layout.bounds.results);
    if (results.length > 1) layout.features.add("multi-value");
    layout.types.push({ params, results });
  }
}

function valueTypes(reader: Reader, name: string, bound: number): number[] {
  const count = reader.count(name, bound);
  const types: number[] = [];
  for (let n = 0; n < count; n++) types.push(valueType(reader));
  return types;
}

const importKinds = ["function", "table", "memory", "global", "tag"];

function readImports(reader: Reader, layout: Layout): void {
  const count = span(reader, layout, 2, "imports", layout.bounds.imports);
  for (let n = 0; n < count; n++) {
    reader.what = `import ${n}`;
    const at = reader.at;
    const module = reader.name(layout.bounds.nameBytes);
    const name = reader.name(layout.bounds.nameBytes);
    const kind = reader.u8();
    const label = `${importKinds[kind] ?? "thing"} ${shown(module)}.${shown(name)}, ${reader.where(at)}`;
    const params = module === "wasi_snapshot_preview1" && kind === 0 ? preview1.get(name) : undefined;
    if (params === undefined) throw fault.import(label);
    const type = typeIndex(reader, layout);
    const found = layout.types[type];
    const given = found?.params.map((value) => (value === 0x7f ? "i" : value === 0x7e ? "I" : "?")).join("");
    const results = found?.results.map((value) => value.toString(16)).join();
    if (given !== params || results !== (name === "proc_exit" ? "" : "7f")) throw fault.signature(label);
    layout.imports.push({ name, type });
  }
}

function readFunctions(reader: Reader, layout: Layout): void {
  const count = span(reader, layout, 3, "functions", layout.bounds.functions);
  for (let n = 0; n < count; n++) layout.functions.push(typeIndex(reader, layout));
}

function typeIndex(reader: Reader, layout: Layout): number {
  const at = reader.at;
  const type = reader.u32();
  if (type >= layout.types.length) throw fault.index(`type ${type}, ${reader.where(at)}`);
  return type;
}

function readTable(reader: Reader, layout: Layout): void {
  const count = span(reader, layout, 4, "tables", 100_000);
  if (count > 1) throw fault.feature(`reference types (${count} tables), ${reader.where()}`);
  if (count === 0) return;
  const type = reader.u8();
  if (type !== 0x70)
    throw fault.feature(`reference types (table of other than functions), ${reader.where()}`);
  const at = reader.at;
  const limits = readLimits(reader);
  const most = layout.bounds.tableEntries;
  if (limits.min > most)
    throw fault.bound(`${limits.min} table entries, at most ${most}, ${reader.where(at)}`);
  layout.table = limits;
}

function readMemory(reader: Reader, layout: Layout): void {
  const count = span(reader, layout, 5, "memories", 100_000);
  if (count > 1) throw fault.feature(`multiple memories (${count}), ${reader.where()}`);
  if (count === 0) return;
  const at = reader.at;
  const limits = readLimits(reader);
  const most = layout.bounds.memoryPages;
  if (limits.min > most)
    throw fault.bound(`${limits.min} memory pages, at most ${most}, ${reader.where(at)}`);
  if ((limits.max ?? 0) > 65_536) throw fault.bound(`${limits.max} memory pages, ${reader.where(at)}`);
  layout.memory = limits;
}

function readLimits(reader: Reader): Limits {
  const at = reader.at;
  const flags = reader.u8();
  if (flags === 2 || flags === 3 || flags === 6 || flags === 7) throw fault.shared(reader.where(at));
  if (flags === 4 || flags === 5) throw fault.feature(`memory64, ${reader.where(at)}`);
  if (flags > 7) throw fault.feature(`limits with flags ${flags}, ${reader.where(at)}`);
  const min = reader.u32();
  const max = flags === 1 ? reader.u32() : null;
  if (max !== null && max < min) throw fault.malformed(`most below least, ${reader.where(at)}`);
  return { min, max };
}

const exportBounds = (layout: Layout) => [
  functionCount(layout),
  layout.table ? 1 : 0,
  layout.memory ? 1 : 0,
  layout.globals.length,
];

function readExports(reader: Reader, layout: Layout): void {
  const count = span(reader, layout, 7, "exports", layout.bounds.exports);
  const names = new Set<string>();
  const bounds = exportBounds(layout);
  for (let n = 0; n < count; n++) {
    reader.what = `export ${n}`;
    const at = reader.at;
    const name = reader.name(layout.bounds.nameBytes);
    const kind = reader.u8();
    const index = reader.u32();
    const label = `${shown(name)}, ${reader.where(at)}`;
    if (name.startsWith(reservedPrefix)) throw fault.reserved(label);
    if (names.has(name)) throw fault.malformed(`export twice: ${label}`);
    names.add(name);
    if (kind === 4) throw fault.feature(`exception handling, ${label}`);
    if (index >= (bounds[kind] ?? 0)) throw fault.index(`export ${index} of ${label}`);
    if (kind === 3 && layout.globals[index]) layout.features.add("mutable-globals");
    if (name === "_start") layout.entry = entry(layout, kind, index, label);
  }
}

function entry(layout: Layout, kind: number, index: number, label: string): number {
  const type = kind === 0 ? typeOfFunction(layout, index) : undefined;
  if (type?.params.length !== 0 || type.results.length !== 0) throw fault.signature(label);
  return index;
}

function readStart(reader: Reader, layout: Layout): void {
  const at = reader.at;
  const index = reader.u32();
  const type = typeOfFunction(layout, index);
  if (!type) throw fault.index(`function ${index}, ${reader.where(at)}`);
  if (type.params.length + type.results.length > 0) throw fault.signature(reader.where(at));
  layout.start = index;
}

function readDataCount(reader: Reader, layout: Layout): void {
  layout.dataCount = reader.u32();
  const most = layout.bounds.dataSegments;
  if (layout.dataCount > most)
    throw fault.bound(`${layout.dataCount} data segments, at most ${most}, ${reader.where()}`);
  layout.features.add("bulk-memory");
}

function readCode(reader: Reader, layout: Layout): void {
  const count = span(reader, layout, 10, "function bodies", layout.bounds.functions);
  if (count !== layout.functions.length)
    throw fault.malformed(`${count} bodies for ${layout.functions.length} functions, ${reader.where()}`);
  for (let n = 0; n < count; n++) {
    const at = reader.at;
    const size = reader.u32();
    const label = `function ${layout.imports.length + n}`;
    if (size > layout.bounds.bodyBytes)
      throw fault.bound(`${size} bytes of code, at most ${layout.bounds.bodyBytes}, ${label} at byte ${at}`);
    layout.bodies.push(reader.part(size, label));
  }
}

/** Name and reader of each section, in the order in which they must stand. */
export const sections: readonly (readonly [id: number, name: string, read: typeof readTypes])[] = [
  [1, "type section", readTypes],
  [2, "import section", readImports],
  [3, "function section", readFunctions],
  [4, "table section", readTable],
  [5, "memory section", readMemory],
  [6, "global section", readGlobals],
  [7, "export section", readExports],
  [8, "start section", readStart],
  [9, "element section", readElements],
  [12, "data count section", readDataCount],
  [10, "code section", readCode],
  [11, "data section", readData],
];
