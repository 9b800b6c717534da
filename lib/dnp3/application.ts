import { fault } from "./faults.ts";
import { packedAt, type Point, pointAt, shapeOf, sizeOf, timeAt } from "./objects.ts";

/** What an outstation says of itself in each response. */
export interface Indications {
  readonly restarted: boolean;
  readonly needsTime: boolean;
  readonly trouble: boolean;
  /** Classes of which events wait. */
  readonly waiting: readonly (1 | 2 | 3)[];
  readonly overflowed: boolean;
  /** The request was not understood, its object unknown, or a parameter wrong. */
  readonly refused: boolean;
  /** Both bytes as they were sent, the first in the high byte. */
  readonly raw: number;
}

/** Objects of one header. */
export interface Block {
  readonly group: number;
  readonly variation: number;
  readonly points: readonly Point[];
}

/** A fragment of a response. */
export interface Response {
  readonly seq: number;
  readonly first: boolean;
  readonly last: boolean;
  /** True where it wants a confirmation. */
  readonly confirm: boolean;
  readonly unsolicited: boolean;
  readonly indications: Indications;
  readonly blocks: readonly Block[];
}

/** All objects of a group and variation, or those of a range of indexes. */
export interface ReadHeader {
  readonly group: number;
  readonly variation: number;
  readonly range?: { readonly start: number; readonly stop: number };
}

const control = { first: 0x80, last: 0x40, confirm: 0x20, unsolicited: 0x10 } as const;
const functions = { confirm: 0, read: 1, response: 0x81, unsolicited: 0x82 } as const;

/** A request to read. */
export function encodeRead(seq: number, headers: readonly ReadHeader[]): Buffer {
  const parts = headers.map(({ group, variation, range }) => {
    if (!range) return Buffer.from([group, variation, 0x06]);
    const bytes = Buffer.from([group, variation, 0x01, 0, 0, 0, 0]);
    bytes.writeUInt16LE(range.start, 3);
    bytes.writeUInt16LE(range.stop, 5);
    return bytes;
  });
  return Buffer.concat([Buffer.from([control.first | control.last | (seq & 15), functions.read]), ...parts]);
}

/** What a response that wants it is confirmed with. */
export function encodeConfirm(seq: number, unsolicited: boolean): Buffer {
  const flags = control.first | control.last | (unsolicited ? control.unsolicited : 0);
  return Buffer.from([flags | (seq & 15), functions.confirm]);
}

/** What the third and fourth byte of a response say. */
export function indicationsOf(bytes: Buffer): Indications {
  const [one = 0, two = 0] = bytes.subarray(2, 4);
  return {
    restarted: (one & 0x80) !== 0,
    needsTime: (one & 0x10) !== 0,
    trouble: (one & 0x40) !== 0,
    waiting: ([1, 2, 3] as const).filter((each) => (one & (1 << each)) !== 0),
    overflowed: (two & 0x08) !== 0,
    refused: (two & 0x07) !== 0,
    raw: (one << 8) | two,
  };
}

/** What a header's qualifier says: which indexes, or how many objects with how long prefixes. */
interface Range {
  readonly first: number;
  readonly count: number;
  readonly prefix: number;
  readonly end: number;
}

const widths: Readonly<Record<number, number>> = { 0: 1, 1: 2, 2: 4, 7: 1, 8: 2, 9: 4 };
const prefixes: Readonly<Record<number, number>> = { 0: 0, 1: 1, 2: 2, 3: 4 };

function numberAt(bytes: Buffer, at: number, width: number): number {
  if (at + width > bytes.length) throw fault.form("a header ends too early");
  return bytes.readUIntLE(at, width);
}

function rangeAt(bytes: Buffer, qualifier: number, at: number): Range {
  const code = qualifier & 0x0f;
  const prefix = prefixes[qualifier >> 4];
  if (prefix === undefined) throw fault.form(`qualifier ${qualifier}`);
  if (code === 6) return { first: 0, count: 0, prefix, end: at };
  const width = widths[code];
  if (width === undefined) throw fault.form(`qualifier ${qualifier}`);
  const first = numberAt(bytes, at, width);
  if (code >= 7) return { first: 0, count: first, prefix, end: at + width };
  const stop = numberAt(bytes, at + width, width);
  if (stop < first) throw fault.form(`indexes ${first} to ${stop}`);
  return { first, count: stop - first + 1, prefix, end: at + 2 * width };
}

/** Most points that a fragment is taken to have. */
const mostPoints = 65_536;

interface Reading {
  readonly bytes: Buffer;
  at: number;
  /** The time that differences are told against, which a header of its own says. */
  common: number;
}

/** Times and indications, which are no points: told, and stepped over. */
function stepOver(reading: Reading, group: number, variation: number, range: Range): boolean {
  const { bytes } = reading;
  const size =
    group === 50 || group === 51 ? 6 : group === 52 ? 2 : group === 80 && variation === 1 ? 0 : undefined;
  if (size === undefined) return false;
  const length = size === 0 ? Math.ceil(range.count / 8) : range.count * (size + range.prefix);
  if (range.end + length > bytes.length) throw fault.form("an object ends too early");
  if (size === 6 && range.count > 0) reading.common = timeAt(bytes, range.end + range.prefix);
  reading.at = range.end + length;
  return true;
}

function blockAt(reading: Reading): Block | undefined {
  const { bytes, at } = reading;
  const [group = 0, variation = 0, qualifier = 0] = bytes.subarray(at, at + 3);
  if (at + 3 > bytes.length) throw fault.form("a header ends too early");
  const range = rangeAt(bytes, qualifier, at + 3);
  if (range.count > mostPoints) throw fault.form(`${range.count} objects`);
  if (stepOver(reading, group, variation, range)) return undefined;
  const shape = shapeOf(group, variation);
  if (!shape) throw fault.object(`g${group}v${variation}`);
  if (shape.packed) {
    const points = packedAt(shape, range.first, range.count, bytes, range.end);
    reading.at = range.end + Math.ceil((range.count * shape.packed) / 8);
    return { group, variation, points };
  }
  const points: Point[] = [];
  let from = range.end;
  for (let nth = 0; nth < range.count; nth += 1) {
    const index = range.prefix === 0 ? range.first + nth : numberAt(bytes, from, range.prefix);
    points.push(pointAt(shape, index, bytes, from + range.prefix, reading.common));
    from += range.prefix + sizeOf(shape);
  }
  reading.at = from;
  return { group, variation, points };
}

/** Reads a fragment that an outstation sent. Throws `dnp3.form`, and `dnp3.object` for an object that is not known here. */
export function decodeResponse(fragment: Uint8Array): Response {
  const bytes = Buffer.from(fragment);
  const [head = 0, code] = bytes;
  if (bytes.length < 4) throw fault.form("a response ends too early");
  if (code !== functions.response && code !== functions.unsolicited) throw fault.form(`function ${code}`);
  const reading: Reading = { bytes, at: 4, common: 0 };
  const blocks: Block[] = [];
  while (reading.at < bytes.length) {
    const block = blockAt(reading);
    if (block) blocks.push(block);
  }
  return {
    seq: head & 15,
    first: (head & control.first) !== 0,
    last: (head & control.last) !== 0,
    confirm: (head & control.confirm) !== 0,
    unsolicited: code === functions.unsolicited,
    indications: indicationsOf(bytes),
    blocks,
  };
}
