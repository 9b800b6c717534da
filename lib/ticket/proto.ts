/** A field of a message as Biscuit's schema has them: a whole number that is not negative, or bytes. */
export type Field = readonly [number: number, value: number | Buffer];

const varintType = 0;
const bytesType = 2;

function sizeOf(value: number): number {
  let size = 1;
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) size += 1;
  return size;
}

/** Whole numbers up to 2^53, so without the bit operations of 32-bit ones. */
function putVarint(bytes: Buffer, from: number, value: number): number {
  let at = from;
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes[at++] = (rest % 128) + 128;
  bytes[at++] = rest;
  return at;
}

/** Writes one field of a number below 16, everything in its shortest form, as the library does. */
export function field(number: number, value: number | string | Uint8Array): Buffer {
  if (typeof value === "number") {
    const bytes = Buffer.allocUnsafe(1 + sizeOf(value));
    bytes[0] = number * 8 + varintType;
    putVarint(bytes, 1, value);
    return bytes;
  }
  const size = typeof value === "string" ? Buffer.byteLength(value) : value.length;
  const bytes = Buffer.allocUnsafe(1 + sizeOf(size) + size);
  bytes[0] = number * 8 + bytesType;
  const at = putVarint(bytes, 1, size);
  if (typeof value === "string") bytes.write(value, at);
  else bytes.set(value, at);
  return bytes;
}

function varintAt(bytes: Buffer, from: number): readonly [value: number, next: number] {
  let value = 0;
  for (let at = from, scale = 1; at < bytes.length; at += 1, scale *= 128) {
    const byte = bytes[at] ?? 0;
    value += (byte % 128) * scale;
    if (byte < 128) return [value, at + 1];
  }
  return [value, bytes.length];
}

/**
 * The fields of a message in their order, as far as they can be read. It takes more than `field` writes and refuses
 * nothing: whoever must know for sure writes again what was read, and compares.
 */
export function fieldsOf(bytes: Buffer | undefined): readonly Field[] {
  const fields: Field[] = [];
  if (!bytes) return fields;
  for (let at = 0; at < bytes.length; ) {
    const [tag, from] = varintAt(bytes, at);
    const [value, next] = varintAt(bytes, from);
    const number = Math.floor(tag / 8);
    if (tag % 8 === varintType) fields.push([number, value]);
    else fields.push([number, bytes.subarray(next, next + value)]);
    at = tag % 8 === varintType ? next : next + value;
  }
  return fields;
}

/** The first field of that number, where it is bytes. */
export function bytesIn(fields: readonly Field[], number: number): Buffer | undefined {
  const value = fields.find(([each]) => each === number)?.[1];
  return typeof value === "number" ? undefined : value;
}

/** The first field of that number, where it is a number. */
export function numberIn(fields: readonly Field[], number: number): number | undefined {
  const value = fields.find(([each]) => each === number)?.[1];
  return typeof value === "number" ? value : undefined;
}
