import { fault } from "./faults.ts";

/** What a point is. */
export type PointKind =
  | "binary"
  | "double-bit"
  | "binary-output"
  | "counter"
  | "frozen-counter"
  | "analog"
  | "analog-output";

/** One value that an outstation told. */
export interface Point {
  readonly kind: PointKind;
  readonly index: number;
  /** 0 or 1 of binaries, 0 to 3 of double bits. */
  readonly value: number;
  /** The quality as it was sent; undefined where the variation has none. */
  readonly flags: number | undefined;
  /** When it changed, milliseconds since 1970, where it is told. */
  readonly time: number | undefined;
  /** True for an event, false for a value of now. */
  readonly event: boolean;
}

/** How a variation lies in bytes: one after the other. */
type Field = "flags" | "state" | "double" | "u16" | "u32" | "i16" | "i32" | "f32" | "f64" | "time" | "delta";
/** Bits that lie packed, one or two for each point. */
interface Shape {
  readonly kind: PointKind;
  readonly event: boolean;
  readonly fields?: readonly Field[];
  readonly packed?: 1 | 2;
}

const sizes: Readonly<Record<Field, number>> = {
  flags: 1,
  state: 1,
  double: 1,
  u16: 2,
  u32: 4,
  i16: 2,
  i32: 4,
  f32: 4,
  f64: 8,
  time: 6,
  delta: 2,
};

const now = (kind: PointKind, ...fields: Field[]): Shape => ({ kind, event: false, fields });
const change = (kind: PointKind, ...fields: Field[]): Shape => ({ kind, event: true, fields });

const analogEvents = (kind: PointKind): Readonly<Record<number, Shape>> => ({
  1: change(kind, "flags", "i32"),
  2: change(kind, "flags", "i16"),
  3: change(kind, "flags", "i32", "time"),
  4: change(kind, "flags", "i16", "time"),
  5: change(kind, "flags", "f32"),
  6: change(kind, "flags", "f64"),
  7: change(kind, "flags", "f32", "time"),
  8: change(kind, "flags", "f64", "time"),
});
const counterEvents = (kind: PointKind): Readonly<Record<number, Shape>> => ({
  1: change(kind, "flags", "u32"),
  2: change(kind, "flags", "u16"),
  5: change(kind, "flags", "u32", "time"),
  6: change(kind, "flags", "u16", "time"),
});

/** Variations by group (IEEE 1815-2012, annex A). */
const shapes: Readonly<Record<number, Readonly<Record<number, Shape>>>> = {
  1: { 1: { kind: "binary", event: false, packed: 1 }, 2: now("binary", "state") },
  2: {
    1: change("binary", "state"),
    2: change("binary", "state", "time"),
    3: change("binary", "state", "delta"),
  },
  3: { 1: { kind: "double-bit", event: false, packed: 2 }, 2: now("double-bit", "double") },
  4: {
    1: change("double-bit", "double"),
    2: change("double-bit", "double", "time"),
    3: change("double-bit", "double", "delta"),
  },
  10: { 1: { kind: "binary-output", event: false, packed: 1 }, 2: now("binary-output", "state") },
  11: { 1: change("binary-output", "state"), 2: change("binary-output", "state", "time") },
  20: {
    1: now("counter", "flags", "u32"),
    2: now("counter", "flags", "u16"),
    5: now("counter", "u32"),
    6: now("counter", "u16"),
  },
  21: {
    1: now("frozen-counter", "flags", "u32"),
    2: now("frozen-counter", "flags", "u16"),
    5: now("frozen-counter", "flags", "u32", "time"),
    6: now("frozen-counter", "flags", "u16", "time"),
    9: now("frozen-counter", "u32"),
    10: now("frozen-counter", "u16"),
  },
  22: counterEvents("counter"),
  23: counterEvents("frozen-counter"),
  30: {
    1: now("analog", "flags", "i32"),
    2: now("analog", "flags", "i16"),
    3: now("analog", "i32"),
    4: now("analog", "i16"),
    5: now("analog", "flags", "f32"),
    6: now("analog", "flags", "f64"),
  },
  32: analogEvents("analog"),
  40: {
    1: now("analog-output", "flags", "i32"),
    2: now("analog-output", "flags", "i16"),
    3: now("analog-output", "flags", "f32"),
    4: now("analog-output", "flags", "f64"),
  },
  42: analogEvents("analog-output"),
};

/** The shape of a variation; undefined where it is not known. */
export const shapeOf = (group: number, variation: number): Shape | undefined => shapes[group]?.[variation];

/** Bytes of one object; 0 of packed ones. */
export const sizeOf = ({ fields = [] }: Shape): number =>
  fields.reduce((sum, field) => sum + sizes[field], 0);

/** Milliseconds since 1970, in 48 bits. */
export const timeAt = (bytes: Buffer, at: number): number => bytes.readUIntLE(at, 6);

type Told = Pick<Point, "value" | "flags" | "time">;

/** What a field tells; `common` is the time that differences are told against. */
const readers: Readonly<Record<Field, (bytes: Buffer, at: number, common: number) => Partial<Told>>> = {
  flags: (bytes, at) => ({ flags: bytes.readUInt8(at) }),
  state: (bytes, at) => ({ flags: bytes.readUInt8(at) & 0x7f, value: bytes.readUInt8(at) >> 7 }),
  double: (bytes, at) => ({ flags: bytes.readUInt8(at) & 0x3f, value: bytes.readUInt8(at) >> 6 }),
  u16: (bytes, at) => ({ value: bytes.readUInt16LE(at) }),
  u32: (bytes, at) => ({ value: bytes.readUInt32LE(at) }),
  i16: (bytes, at) => ({ value: bytes.readInt16LE(at) }),
  i32: (bytes, at) => ({ value: bytes.readInt32LE(at) }),
  f32: (bytes, at) => ({ value: bytes.readFloatLE(at) }),
  f64: (bytes, at) => ({ value: bytes.readDoubleLE(at) }),
  time: (bytes, at) => ({ time: timeAt(bytes, at) }),
  delta: (bytes, at, common) => ({ time: common + bytes.readUInt16LE(at) }),
};

/** One object at an offset. Throws `dnp3.form`. */
export function pointAt(shape: Shape, index: number, bytes: Buffer, from: number, common: number): Point {
  const { kind, event, fields = [] } = shape;
  if (from + sizeOf(shape) > bytes.length) throw fault.form("an object ends too early");
  let told: Told = { value: 0, flags: undefined, time: undefined };
  let at = from;
  for (const field of fields) {
    told = { ...told, ...readers[field](bytes, at, common) };
    at += sizes[field];
  }
  return { kind, index, event, ...told };
}

/** Packed bits of points that follow one another. Throws `dnp3.form`. */
export function packedAt(shape: Shape, first: number, count: number, bytes: Buffer, from: number): Point[] {
  const bits = shape.packed ?? 1;
  if (from + Math.ceil((count * bits) / 8) > bytes.length) throw fault.form("bits end too early");
  return Array.from({ length: count }, (_, at) => {
    const bit = at * bits;
    const value = ((bytes[from + (bit >> 3)] ?? 0) >> (bit & 7)) & (bits === 1 ? 1 : 3);
    return {
      kind: shape.kind,
      event: shape.event,
      index: first + at,
      value,
      flags: undefined,
      time: undefined,
    };
  });
}
