import { fault } from "./faults.ts";

/** What registers hold together. */
export const numberTypes = ["u16", "i16", "u32", "i32", "u64", "i64", "f32", "f64"] as const;
/** One of them. */
export type NumberType = (typeof numberTypes)[number];
/** Which word of several comes first; bytes in a word are always high before low. */
export type WordOrder = "high-first" | "low-first";

const bytesOf: Readonly<Record<NumberType, number>> = {
  u16: 2,
  i16: 2,
  u32: 4,
  i32: 4,
  u64: 8,
  i64: 8,
  f32: 4,
  f64: 8,
};

/** Registers that a number takes. */
export const registersOf = (type: NumberType): number => bytesOf[type] / 2;

const ordered = (words: readonly number[], order: WordOrder): readonly number[] =>
  order === "high-first" ? words : words.toReversed();

/** The number in registers; those of 64 bits are as near as a double comes. */
export function decodeValue(
  words: readonly number[],
  type: NumberType,
  order: WordOrder = "high-first",
): number {
  if (words.length !== registersOf(type)) throw fault.form(`${words.length} registers for ${type}`);
  const view = new DataView(new ArrayBuffer(8));
  for (const [at, word] of ordered(words, order).entries()) view.setUint16(at * 2, word);
  const read: Readonly<Record<NumberType, () => number>> = {
    u16: () => view.getUint16(0),
    i16: () => view.getInt16(0),
    u32: () => view.getUint32(0),
    i32: () => view.getInt32(0),
    u64: () => Number(view.getBigUint64(0)),
    i64: () => Number(view.getBigInt64(0)),
    f32: () => view.getFloat32(0),
    f64: () => view.getFloat64(0),
  };
  return read[type]();
}

function checkInteger(value: number, type: NumberType): void {
  const bits = bytesOf[type] * 8;
  const [least, top] = type.startsWith("u") ? [0, 2 ** bits - 1] : [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
  if (!Number.isSafeInteger(value) || value < least || value > top) throw fault.value(`${value} as ${type}`);
}

/** Registers for a number. Throws `modbus.value` where it does not fit. */
export function encodeValue(value: number, type: NumberType, order: WordOrder = "high-first"): number[] {
  const view = new DataView(new ArrayBuffer(8));
  if (type.startsWith("f")) {
    // Beyond its range a float of four bytes would be written as infinite.
    if (!Number.isFinite(type === "f32" ? Math.fround(value) : value))
      throw fault.value(`${value} as ${type}`);
  } else checkInteger(value, type);
  const write: Readonly<Record<NumberType, () => void>> = {
    u16: () => view.setUint16(0, value),
    i16: () => view.setInt16(0, value),
    u32: () => view.setUint32(0, value),
    i32: () => view.setInt32(0, value),
    u64: () => view.setBigUint64(0, BigInt(value)),
    i64: () => view.setBigInt64(0, BigInt(value)),
    f32: () => view.setFloat32(0, value),
    f64: () => view.setFloat64(0, value),
  };
  write[type]();
  return [
    ...ordered(
      Array.from({ length: registersOf(type) }, (_, at) => view.getUint16(at * 2)),
      order,
    ),
  ];
}
