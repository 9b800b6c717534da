/** What manifests and status files are made of (RFC 8949, definite lengths, shortest heads). */
export type Item = null | number | string | Uint8Array | readonly Item[] | ReadonlyMap<string, Item>;

function head(major: number, value: number): Buffer {
  if (value < 24) return Buffer.from([(major << 5) | value]);
  const size = value < 0x100 ? 1 : value < 0x10000 ? 2 : value < 0x100000000 ? 4 : 8;
  const bytes = Buffer.alloc(1 + size);
  bytes[0] = (major << 5) | (24 + Math.log2(size));
  if (size === 8) bytes.writeBigUInt64BE(BigInt(value), 1);
  else bytes.writeUIntBE(value, 1, size);
  return bytes;
}

/** Bytes of an item. */
export function encodeItem(item: Item): Buffer {
  if (item === null) return Buffer.from([0xf6]);
  if (typeof item === "number") return head(0, item);
  if (typeof item === "string") {
    const text = Buffer.from(item);
    return Buffer.concat([head(3, text.length), text]);
  }
  if (item instanceof Uint8Array) return Buffer.concat([head(2, item.length), item]);
  if (item instanceof Map) {
    const parts = [...item].flatMap(([key, value]) => [encodeItem(key), encodeItem(value)]);
    return Buffer.concat([head(5, item.size), ...parts]);
  }
  const list = item as readonly Item[];
  return Buffer.concat([head(4, list.length), ...list.map(encodeItem)]);
}

/** Thrown inside for bytes that end too early. */
class Short extends Error {}
/** Thrown inside for bytes that are none of ours. */
class Foreign extends Error {}

class Reader {
  at = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  #take(count: number): Buffer {
    if (this.at + count > this.#bytes.length) throw new Short();
    this.at += count;
    return this.#bytes.subarray(this.at - count, this.at);
  }

  #head(): readonly [major: number, value: number] {
    const first = this.#take(1)[0] ?? 0;
    const info = first & 31;
    if (info < 24 || first === 0xf6) return [first >> 5, info];
    const size = [1, 2, 4, 8][info - 24];
    if (size === undefined) throw new Foreign();
    const bytes = this.#take(size);
    const value = size === 8 ? Number(bytes.readBigUInt64BE()) : bytes.readUIntBE(0, size);
    if (!Number.isSafeInteger(value)) throw new Foreign();
    return [first >> 5, value];
  }

  item(depth: number): Item {
    const [major, value] = this.#head();
    if (major === 0) return value;
    if (major === 2) return this.#take(value);
    if (major === 3) return this.#take(value).toString("utf8");
    if (major === 7 && value === 22) return null;
    if (major !== 4 || depth === 0 || value > this.#bytes.length) throw new Foreign();
    const list: Item[] = [];
    for (let left = value; left > 0; left -= 1) list.push(this.item(depth - 1));
    return list;
  }
}

/** One whole item; `short` where bytes are missing, `foreign` where no further byte helps. Arrays nest three deep. */
export function decodeItem(bytes: Buffer): { readonly item: Item } | "short" | "foreign" {
  const reader = new Reader(bytes);
  try {
    const item = reader.item(3);
    // Written another way, or with bytes behind it, it would have another digest and the same meaning.
    return encodeItem(item).equals(bytes) ? { item } : "foreign";
  } catch (thrown) {
    if (thrown instanceof Short) return "short";
    if (thrown instanceof Foreign) return "foreign";
    throw thrown;
  }
}
