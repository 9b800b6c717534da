/** What of a CBOR item (RFC 8949) is looked at: where it ends, and the members of a map with short text keys. */
export interface Item {
  readonly end: number;
  /** Members of a top-level map whose value is an unsigned integer or a text. */
  readonly members: ReadonlyMap<string, number | string>;
}

interface Head {
  readonly major: number;
  readonly value: number;
  readonly end: number;
}

/** Deepest nesting that is read. */
const mostDepth = 16;

function headAt(bytes: Buffer, at: number): Head | undefined {
  const first = bytes[at];
  if (first === undefined) return undefined;
  const major = first >> 5;
  const info = first & 31;
  if (info < 24) return { major, value: info, end: at + 1 };
  const size = [1, 2, 4, 8][info - 24];
  // Indefinite lengths and reserved heads are not taken.
  if (size === undefined || at + 1 + size > bytes.length) return undefined;
  const value = size === 8 ? Number(bytes.readBigUInt64BE(at + 1)) : bytes.readUIntBE(at + 1, size);
  return Number.isSafeInteger(value) || major === 7 ? { major, value, end: at + 1 + size } : undefined;
}

function valueAt(bytes: Buffer, at: number): number | string | undefined {
  const head = headAt(bytes, at);
  if (head?.major === 0) return head.value;
  return head?.major === 3 ? bytes.toString("utf8", head.end, head.end + head.value) : undefined;
}

/** Where an item ends that begins at an offset; undefined where it is cut off or not well-formed. */
function endOf(bytes: Buffer, at: number, depth: number): number | undefined {
  const head = depth > mostDepth ? undefined : headAt(bytes, at);
  if (!head) return undefined;
  const { major, value, end } = head;
  if (major < 2 || major === 7) return end;
  if (major < 4) return end + value <= bytes.length ? end + value : undefined;
  let left = major === 4 ? value : major === 5 ? value * 2 : 1;
  if (left > bytes.length - end) return undefined;
  let next: number | undefined = end;
  while (left > 0 && next !== undefined) {
    next = endOf(bytes, next, depth + 1);
    left -= 1;
  }
  return next;
}

function membersOf(bytes: Buffer, at: number): Map<string, number | string> {
  const members = new Map<string, number | string>();
  const head = headAt(bytes, at);
  if (head?.major !== 5) return members;
  let next = head.end;
  for (let left = head.value; left > 0; left -= 1) {
    const key = valueAt(bytes, next);
    const from = endOf(bytes, next, 0) ?? bytes.length;
    const value = valueAt(bytes, from);
    if (typeof key === "string" && value !== undefined) members.set(key, value);
    next = endOf(bytes, from, 0) ?? bytes.length;
  }
  return members;
}

/** The item at an offset; undefined where none is whole there. */
export function readItem(bytes: Buffer, at: number): Item | undefined {
  const end = endOf(bytes, at, 0);
  return end === undefined ? undefined : { end, members: membersOf(bytes.subarray(0, end), at) };
}
