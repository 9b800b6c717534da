import { fault } from "./faults.ts";

/** One DER element: where it lies, and what is in it. */
export interface Der {
  readonly tag: number;
  /** Header and body. */
  readonly whole: Buffer;
  readonly body: Buffer;
}

/** Tags that are used here. */
export const tags = {
  integer: 0x02,
  octets: 0x04,
  oid: 0x06,
  time: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

const mostDepth = 4;

function lengthAt(bytes: Buffer, at: number): { readonly length: number; readonly from: number } {
  const first = bytes[at];
  if (first === undefined) throw fault.timestamp("it is cut off");
  if (first < 0x80) return { length: first, from: at + 1 };
  const count = first & 0x7f;
  if (count === 0 || count > mostDepth || at + 1 + count > bytes.length)
    throw fault.timestamp("a length that DER has not");
  return { length: bytes.readUIntBE(at + 1, count), from: at + 1 + count };
}

/** The elements of a body, one after the other. Throws `evidence.timestamp`. */
export function elements(bytes: Buffer): readonly Der[] {
  const found: Der[] = [];
  for (let at = 0; at < bytes.length; ) {
    const { length, from } = lengthAt(bytes, at + 1);
    const end = from + length;
    if (end > bytes.length) throw fault.timestamp("it is cut off");
    found.push({ tag: bytes[at] ?? 0, whole: bytes.subarray(at, end), body: bytes.subarray(from, end) });
    at = end;
  }
  return found;
}

/** The only element of these bytes. */
export function single(bytes: Buffer, tag: number): Der {
  const [only, ...others] = elements(bytes);
  if (only?.tag !== tag || others.length > 0) throw fault.timestamp("it has another form");
  return only;
}

/** What stands in an element of that tag. */
export function inside(element: Der | undefined, tag: number): readonly Der[] {
  return elements(bodyOf(element, tag));
}

/** The body of an element of that tag. */
export function bodyOf(element: Der | undefined, tag: number): Buffer {
  if (element?.tag !== tag) throw fault.timestamp("it has another form");
  return element.body;
}

/** An object identifier as numbers with dots. */
export function oidOf(element: Der | undefined): string {
  const body = bodyOf(element, tags.oid);
  const parts: number[] = [];
  let part = 0;
  for (const byte of body) {
    part = part * 128 + (byte & 0x7f);
    if (byte < 0x80) {
      parts.push(part);
      part = 0;
    }
  }
  const [first = 0, ...rest] = parts;
  const top = Math.min(2, Math.floor(first / 40));
  return [top, first - 40 * top, ...rest].join(".");
}

/** One element. */
export function encode(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  if (body.length < 0x80) return Buffer.concat([Buffer.from([tag, body.length]), body]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  const short = length.subarray(length.findIndex((byte) => byte !== 0));
  return Buffer.concat([Buffer.from([tag, 0x80 | short.length]), short, body]);
}

/** An integer that is not negative. */
export function integer(value: Uint8Array): Buffer {
  const first = value.findIndex((byte) => byte !== 0);
  const short = first < 0 ? Buffer.from([0]) : Buffer.from(value.subarray(first));
  return encode(tags.integer, (short[0] ?? 0) > 0x7f ? Buffer.from([0]) : Buffer.alloc(0), short);
}

/** An object identifier whose first two numbers are below 40 and 3, as all of these are. */
export function oid(text: string): Buffer {
  const [top = 0, second = 0, ...rest] = text.split(".").map(Number);
  const bytes = [top * 40 + second, ...rest].flatMap((part) => {
    const digits = [part % 128];
    for (let left = Math.floor(part / 128); left > 0; left = Math.floor(left / 128))
      digits.unshift(0x80 | (left % 128));
    return digits;
  });
  return encode(tags.oid, Buffer.from(bytes));
}
