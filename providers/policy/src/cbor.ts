import type { Json } from "@skep/kernel";

function head(major: number, count: number): Buffer {
  if (count < 24) return Buffer.from([(major << 5) | count]);
  if (count < 0x100) return Buffer.from([(major << 5) | 24, count]);
  const wide = count < 0x1_0000 ? 2 : count < 0x1_0000_0000 ? 4 : 8;
  const bytes = Buffer.alloc(1 + wide);
  bytes[0] = (major << 5) | { 2: 25, 4: 26, 8: 27 }[wide];
  if (wide === 8) bytes.writeBigUInt64BE(BigInt(count), 1);
  else bytes.writeUIntBE(count, 1, wide);
  return bytes;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([head(3, bytes.length), bytes]);
}

function number(value: number): Buffer {
  if (Number.isSafeInteger(value)) return value < 0 ? head(1, -value - 1) : head(0, value);
  const bytes = Buffer.alloc(9);
  bytes[0] = 0xfb;
  bytes.writeDoubleBE(value, 1);
  return bytes;
}

/** JSON as CBOR (RFC 8949): definite lengths, shortest heads, keys in the order given. */
export function cborOf(value: Json | undefined): Buffer {
  if (value === null || value === undefined) return Buffer.from([0xf6]);
  if (typeof value === "boolean") return Buffer.from([value ? 0xf5 : 0xf4]);
  if (typeof value === "number") return number(value);
  if (typeof value === "string") return text(value);
  if (Array.isArray(value)) return Buffer.concat([head(4, value.length), ...value.map(cborOf)]);
  const members = Object.entries(value as Readonly<Record<string, Json | undefined>>);
  return Buffer.concat([
    head(5, members.length),
    ...members.flatMap(([name, member]) => [text(name), cborOf(member)]),
  ]);
}
