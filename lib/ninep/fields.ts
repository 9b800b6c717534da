import { isUtf8 } from "node:buffer";
import type { Reader, U64, Writer } from "./cursor.ts";
import { fault } from "./faults.ts";

/** What fast-check makes values with; declared here so that nothing depends on it at run time. */
export interface Arbitrary<T> {
  map<U>(to: (value: T) => U): Arbitrary<U>;
}

/** The part of fast-check that fields make their own test data with. */
export interface Arbitraries {
  integer(range: { min: number; max: number }): Arbitrary<number>;
  bigInt(range: { min: bigint; max: bigint }): Arbitrary<bigint>;
  string(range: { maxLength: number; unit: "binary" }): Arbitrary<string>;
  uint8Array(range: { maxLength: number }): Arbitrary<Uint8Array>;
  array<T>(of: Arbitrary<T>, range: { maxLength: number }): Arbitrary<T[]>;
  record(shape: Record<string, Arbitrary<unknown>>): Arbitrary<Record<string, unknown>>;
  oneof<T>(...of: Arbitrary<T>[]): Arbitrary<T>;
}

/** One kind of field: how it is measured, written, read, printed and made up. */
export interface Field<T> {
  /** Bytes on the wire; throws `ninep.unencodable` for a value that has no form there. */
  size(value: T): number;
  write(to: Writer, value: T): void;
  read(from: Reader): T;
  print(value: T): string;
  arbitrary(make: Arbitraries): Arbitrary<T>;
}

/** The server's name for a file: `path` is its identity, `version` grows with its content. */
export interface Qid {
  readonly type: number;
  readonly version: number;
  readonly path: U64;
}

/** One entry of Rreaddir; `offset` is the cookie that continues after it. */
export interface Dirent {
  readonly qid: Qid;
  readonly offset: U64;
  readonly type: number;
  readonly name: string;
}

/** Text for a terminal or a log: quoted, everything but printable ASCII escaped. */
export function escapeText(text: string): string {
  const spell = (char: string) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`;
  return JSON.stringify(text).replace(/[^\x20-\x7e]/gu, spell);
}

function whole(
  bytes: number,
  max: number,
  write: (to: Writer, value: number) => void,
): Omit<Field<number>, "read"> {
  return {
    size(value) {
      if (Number.isInteger(value) && value >= 0 && value <= max) return bytes;
      throw fault.unencodable(`${value} is no u${bytes * 8}`);
    },
    write,
    print: (value) => String(value),
    arbitrary: (make) => make.integer({ min: 0, max }),
  };
}

export const u8: Field<number> = {
  ...whole(1, 0xff, (to, value) => to.u8(value)),
  read: (from) => from.u8(),
};
export const u16: Field<number> = {
  ...whole(2, 0xffff, (to, value) => to.u16(value)),
  read: (from) => from.u16(),
};
export const u32: Field<number> = {
  ...whole(4, 0xffff_ffff, (to, value) => to.u32(value)),
  read: (from) => from.u32(),
};

const MAX_U64 = 0xffff_ffff_ffff_ffffn;
export const u64: Field<U64> = {
  size(value) {
    const fits =
      typeof value === "bigint" ? value >= 0n && value <= MAX_U64 : Number.isSafeInteger(value) && value >= 0;
    if (fits) return 8;
    throw fault.unencodable(`${value} is no u64`);
  },
  write: (to, value) => to.u64(value),
  read: (from) => from.u64(),
  print: (value) => String(value),
  arbitrary: (make) =>
    make
      .oneof<U64>(make.bigInt({ min: 0n, max: MAX_U64 }), make.integer({ min: 0, max: 0xffff }))
      .map((value) => (value <= Number.MAX_SAFE_INTEGER ? Number(value) : value)),
};

/** The bytes at `from` as text while they are ASCII without NUL, else undefined. */
function plainText(bytes: Buffer, from: number, end: number): string | undefined {
  for (let at = from; at < end; at++) {
    const byte = bytes[at] as number;
    if (byte === 0 || byte > 0x7f) return undefined;
  }
  return bytes.toString("latin1", from, end);
}

function readText(from: Reader): string {
  const length = from.u16();
  const at = from.take(length);
  const plain = plainText(from.bytes, at, at + length);
  if (plain !== undefined) return plain;
  const bytes = from.bytes.subarray(at, at + length);
  if (!isUtf8(bytes)) throw fault.malformed("text is not UTF-8");
  if (bytes.includes(0)) throw fault.malformed("text holds NUL");
  return bytes.toString("utf8");
}

function sizeText(value: string): number {
  const length = Buffer.byteLength(value);
  if (length > 0xffff || value.includes("\0") || !value.isWellFormed()) throw fault.unencodable(value);
  return 2 + length;
}

function writeText(to: Writer, value: string): void {
  const length = to.bytes.write(value, to.at + 2);
  to.u16(length);
  to.at += length;
}

const anyText = (make: Arbitraries) =>
  make.string({ maxLength: 24, unit: "binary" }).map((text) => text.replaceAll("\0", "").toWellFormed());

export const str: Field<string> = {
  size: sizeText,
  write: writeText,
  read: readText,
  print: escapeText,
  arbitrary: anyText,
};

/** The name of an entry: text without a slash. */
export const name: Field<string> = {
  size(value) {
    if (value.includes("/")) throw fault.unencodable(value);
    return sizeText(value);
  },
  write: writeText,
  read(from) {
    const text = readText(from);
    if (text.includes("/")) throw fault.malformed("a name holds a slash");
    return text;
  },
  print: escapeText,
  arbitrary: (make) => anyText(make).map((text) => text.replaceAll("/", "")),
};

/** Counted bytes; what is read is a view of the frame, not a copy. */
export const data: Field<Uint8Array> = {
  size: (value) => 4 + value.length,
  write(to, value) {
    to.u32(value.length);
    to.bytes.set(value, to.at);
    to.at += value.length;
  },
  read(from) {
    const length = from.u32();
    const at = from.take(length);
    return from.bytes.subarray(at, at + length);
  },
  print(value) {
    const shown = value.length > 64 ? value.subarray(0, 64) : value;
    const text = escapeText(Buffer.from(shown.buffer, shown.byteOffset, shown.length).toString("latin1"));
    return `${value.length}:${text}${shown === value ? "" : "…"}`;
  },
  arbitrary: (make) => make.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
};

/** What a record of fields holds. */
export type Values<Fields> = {
  -readonly [Name in keyof Fields]: Fields[Name] extends Field<infer T> ? T : never;
};

/** Fields in their order on the wire. */
export type Fields = Readonly<Record<string, Field<unknown>>>;

/** A field made of fields. */
export function struct<F extends Fields>(fields: F): Field<Values<F>> {
  const parts = Object.entries(fields) as [keyof F & string, Field<unknown>][];
  return {
    size: (value) => parts.reduce((sum, [key, field]) => sum + field.size(value[key]), 0),
    write(to, value) {
      for (const [key, field] of parts) field.write(to, value[key]);
    },
    read(from) {
      const value: Record<string, unknown> = {};
      for (const [key, field] of parts) value[key] = field.read(from);
      return value as Values<F>;
    },
    print: (value) => parts.map(([key, field]) => `${key}=${field.print(value[key])}`).join(" "),
    arbitrary: (make) =>
      make
        .record(Object.fromEntries(parts.map(([key, field]) => [key, field.arbitrary(make)])))
        .map((value) => ({ ...value }) as Values<F>),
  };
}

export const qid: Field<Qid> = {
  ...struct({ type: u8, version: u32, path: u64 }),
  read: (from) => ({ type: from.u8(), version: from.u32(), path: from.u64() }),
  write(to, value) {
    to.u8(value.type);
    to.u32(value.version);
    to.u64(value.path);
  },
  print: (value) => `${value.type.toString(16)}.${value.version}.${value.path}`,
};

/** At most `max` of one kind, their number first. */
export function list<T>(of: Field<T>, max: number): Field<readonly T[]> {
  return {
    size(values) {
      if (values.length > max) throw fault.unencodable(`${values.length} of at most ${max}`);
      return values.reduce((sum, value) => sum + of.size(value), 2);
    },
    write(to, values) {
      to.u16(values.length);
      for (const value of values) of.write(to, value);
    },
    read(from) {
      const count = from.u16();
      if (count > max) throw fault.malformed(`${count} of at most ${max}`);
      const values: T[] = [];
      for (let at = 0; at < count; at++) values.push(of.read(from));
      return values;
    },
    print: (values) => `[${values.map((value) => of.print(value)).join(",")}]`,
    arbitrary: (make) => make.array(of.arbitrary(make), { maxLength: max }),
  };
}

const dirent = struct({ qid, offset: u64, type: u8, name });

/** Directory entries packed into counted bytes, as Rreaddir carries them. */
export const dirents: Field<readonly Dirent[]> = {
  size: (values) => values.reduce((sum, value) => sum + dirent.size(value), 4),
  write(to, values) {
    const start = to.at;
    to.at += 4;
    for (const value of values) dirent.write(to, value);
    const end = to.at;
    to.at = start;
    to.u32(end - start - 4);
    to.at = end;
  },
  read(from) {
    const length = from.u32();
    const end = from.at + length;
    if (end > from.end) throw fault.malformed("entries end beyond the frame");
    const values: Dirent[] = [];
    while (from.at < end) values.push(dirent.read(from));
    if (from.at !== end) throw fault.malformed("an entry ends beyond the count");
    return values;
  },
  print: (values) => `[${values.map((value) => dirent.print(value)).join("; ")}]`,
  arbitrary: (make) => make.array(dirent.arbitrary(make), { maxLength: 4 }),
};

/** Bytes that one directory entry takes in Rreaddir. */
export function direntSize(name: string): number {
  return 24 + Buffer.byteLength(name);
}
