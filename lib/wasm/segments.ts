import { fault } from "./fault.ts";
import { type Layout, functionCount } from "./layout.ts";
import type { Reader } from "./reader.ts";
import { valueType } from "./value-type.ts";

export function readGlobals(reader: Reader, layout: Layout): void {
  const count = span(reader, layout, 6, "globals", layout.bounds.globals);
  for (let n = 0; n < count; n++) {
    reader.what = `global ${n}`;
    valueType(reader);
    const at = reader.at;
    const mutable = reader.u8();
    if (mutable === 2 || mutable === 3) throw fault.shared(reader.where(at));
    if (mutable > 1) throw fault.malformed(`unknown mutability, ${reader.where(at)}`);
    constant(reader);
    layout.globals.push(mutable === 1);
  }
}

export function readElements(reader: Reader, layout: Layout): void {
  layout.elements = span(reader, layout, 9, "element segments", layout.bounds.elementSegments);
  let left = layout.bounds.elements;
  for (let n = 0; n < layout.elements; n++) {
    reader.what = `element segment ${n}`;
    const flags = elementHead(reader, layout);
    const count = reader.count("elements", left);
    left -= count;
    for (let k = 0; k < count; k++) element(reader, layout, flags >= 4);
  }
}

function elementHead(reader: Reader, layout: Layout): number {
  const at = reader.at;
  const flags = reader.u32();
  if (flags > 7 || (flags & 3) === 3)
    throw fault.feature(`element segment of form ${flags}, ${reader.where(at)}`);
  if (flags !== 0) layout.features.add("bulk-memory");
  if ((flags & 3) === 2) zero(reader, "table");
  if ((flags & 1) === 0) {
    if (!layout.table) throw fault.index(`table 0, ${reader.where(at)}`);
    constant(reader);
  }
  if ((flags & 3) !== 0) elementKind(reader, flags);
  return flags;
}

function elementKind(reader: Reader, flags: number): void {
  const at = reader.at;
  if (reader.u8() !== (flags >= 4 ? 0x70 : 0x00))
    throw fault.feature(`reference types (elements other than functions), ${reader.where(at)}`);
}

function element(reader: Reader, layout: Layout, expression: boolean): void {
  const at = reader.at;
  const op = expression ? reader.u8() : 0xd2;
  if (op === 0xd2) functionIndex(reader, layout);
  else if (op !== 0xd0 || reader.u8() !== 0x70)
    throw fault.feature(`element expression, ${reader.where(at)}`);
  if (expression) end(reader);
}

function functionIndex(reader: Reader, layout: Layout): void {
  const at = reader.at;
  const index = reader.u32();
  if (index >= functionCount(layout)) throw fault.index(`function ${index}, ${reader.where(at)}`);
}

export function readData(reader: Reader, layout: Layout): void {
  layout.data = span(reader, layout, 11, "data segments", layout.bounds.dataSegments);
  for (let n = 0; n < layout.data; n++) {
    reader.what = `data segment ${n}`;
    const at = reader.at;
    const flags = reader.u32();
    if (flags > 2) throw fault.malformed(`unknown form ${flags}, ${reader.where(at)}`);
    if (flags !== 0) layout.features.add("bulk-memory");
    if (flags === 2) zero(reader, "memory");
    if (flags !== 1) {
      if (!layout.memory) throw fault.index(`memory 0, ${reader.where(at)}`);
      constant(reader);
    }
    reader.skip(reader.u32());
  }
}

/** An index that has to be 0, as there is but one. */
export function zero(reader: Reader, what: string): void {
  const at = reader.at;
  const index = reader.u32();
  if (index !== 0) throw fault.index(`${what} ${index}, ${reader.where(at)}`);
}

/** One constant instruction and its end: nothing else may initialise a global or place a segment. */
function constant(reader: Reader): void {
  const at = reader.at;
  const op = reader.u8();
  if (op === 0x41) reader.skipSigned(32);
  else if (op === 0x42) reader.skipSigned(64);
  else if (op === 0x43) reader.skip(4);
  else if (op === 0x44) reader.skip(8);
  else if (op === 0xfd) throw fault.simd(reader.where(at));
  else throw fault.feature(`initial value by opcode 0x${op.toString(16)}, ${reader.where(at)}`);
  end(reader);
}

function end(reader: Reader): void {
  const at = reader.at;
  if (reader.u8() !== 0x0b) throw fault.feature(`extended constant expression, ${reader.where(at)}`);
}

/** Reads the length of a section's list and remembers where the list lies. */
export function span(reader: Reader, layout: Layout, id: number, name: string, bound: number): number {
  const count = reader.count(name, bound);
  layout.spans.set(id, { count, from: reader.at, to: reader.end });
  return count;
}
