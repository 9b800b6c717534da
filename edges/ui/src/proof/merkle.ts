import { type Bytes, same, sha256, utf8 } from "./bytes.ts";

/** Reads a tile of hashes: level, index, width. */
export type TileReader = (level: number, index: number, width: number) => Promise<Uint8Array>;

const hashSize = 32;
const tileWidth = 256;
const [leafPrefix, nodePrefix] = [Uint8Array.of(0), Uint8Array.of(1)];

export const leafHash = (entry: Uint8Array): Promise<Bytes> => sha256(leafPrefix, entry);
const nodeHash = (left: Uint8Array, right: Uint8Array): Promise<Bytes> => sha256(nodePrefix, left, right);

/** Path of a tile below the log's prefix (C2SP tlog-tiles). */
export function tilePath(level: number | "entries", index: number, width: number): string {
  const digits = String(index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, "0").match(/.{3}/g) ?? [];
  const path = groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join("/");
  return `tile/${level}/${path}${width === tileWidth ? "" : `.p/${width}`}`;
}

/** Width that a tile has in a tree of `size` leaves. */
export function tileWidthAt(size: number, level: number, index: number): number {
  return Math.max(0, Math.min(tileWidth, Math.floor(size / tileWidth ** level) - index * tileWidth));
}

/** The hashes of a tree as its tiles give them; tiles are read once. */
export class Tree {
  readonly size: number;
  readonly #read: TileReader;
  readonly #tiles = new Map<string, Promise<Uint8Array>>();

  constructor(size: number, read: TileReader) {
    this.size = size;
    this.#read = read;
  }

  #tile(level: number, index: number): Promise<Uint8Array> {
    const key = `${level}/${index}`;
    const known = this.#tiles.get(key);
    if (known) return known;
    const width = tileWidthAt(this.size, level, index);
    const read = this.#read(level, index, width);
    this.#tiles.set(key, read);
    return read;
  }

  // A node of 2^level leaves: from the tile whose hashes are the largest that are not larger than it.
  async #node(level: number, index: number): Promise<Bytes> {
    const tile = Math.floor(level / 8);
    const count = 2 ** (level % 8);
    const first = index * count;
    const bytes = await this.#tile(tile, Math.floor(first / tileWidth));
    const offset = first % tileWidth;
    let row = Array.from({ length: count }, (_, at) =>
      Uint8Array.from(bytes.subarray((offset + at) * hashSize, (offset + at + 1) * hashSize)),
    );
    while (row.length > 1)
      row = await Promise.all(
        Array.from({ length: row.length / 2 }, (_, at) =>
          nodeHash(row[2 * at] ?? new Uint8Array(), row[2 * at + 1] ?? new Uint8Array()),
        ),
      );
    return row[0] ?? new Uint8Array();
  }

  /** The root over leaves `start` to `end` - 1, where `start` is a multiple of the power of two above their number. */
  async root(start = 0, end = this.size): Promise<Bytes> {
    const parts: Promise<Bytes>[] = [];
    for (let at = start; at < end; ) {
      let level = 0;
      while (2 ** (level + 1) <= end - at && at % 2 ** (level + 1) === 0) level += 1;
      parts.push(this.#node(level, at / 2 ** level));
      at += 2 ** level;
    }
    const nodes = await Promise.all(parts);
    let right = nodes.pop();
    if (!right) return sha256();
    for (let left = nodes.pop(); left; left = nodes.pop()) right = await nodeHash(left, right);
    return right;
  }

  /** The audit path of a leaf, from the leaf upwards. */
  async path(index: number): Promise<readonly Bytes[]> {
    const ranges: { start: number; end: number }[] = [];
    let [low, high] = [0, this.size];
    while (high - low > 1) {
      let half = 1;
      while (half * 2 < high - low) half *= 2;
      const middle = low + half;
      if (index < middle) {
        ranges.push({ start: middle, end: high });
        high = middle;
      } else {
        ranges.push({ start: low, end: middle });
        low = middle;
      }
    }
    return Promise.all(ranges.reverse().map(({ start, end }) => this.root(start, end)));
  }
}

/** The root that an audit path leads to (RFC 9162, 2.1.3.2); undefined where it cannot fit. */
export async function rootOfPath(
  index: number,
  size: number,
  leaf: Uint8Array,
  path: readonly Uint8Array[],
): Promise<Bytes | undefined> {
  let [node, last] = [index, size - 1];
  let root = Uint8Array.from(leaf);
  for (const hash of path) {
    if (last === 0) return undefined;
    if (node % 2 === 1 || node === last) {
      root = await nodeHash(hash, root);
      while (node % 2 === 0 && node !== 0) [node, last] = [Math.floor(node / 2), Math.floor(last / 2)];
    } else root = await nodeHash(root, hash);
    [node, last] = [Math.floor(node / 2), Math.floor(last / 2)];
  }
  return last === 0 ? root : undefined;
}

/** A signed note over a tree. */
export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Bytes;
  /** What is signed. */
  readonly text: Bytes;
  readonly signatures: readonly { readonly name: string; readonly id: string; readonly bytes: Bytes }[];
}

/** Reads a checkpoint (C2SP tlog-checkpoint); undefined for what is none. */
export function parseCheckpoint(note: string): Checkpoint | undefined {
  const [body, below] = [note.slice(0, note.indexOf("\n\n") + 1), note.slice(note.indexOf("\n\n") + 2)];
  const [origin, size, root] = body.split("\n");
  if (!origin || !/^\d{1,15}$/.test(size ?? "") || !root) return undefined;
  const signatures = below
    .split("\n")
    .map((line) => /^— (\S+) (\S+)$/.exec(line))
    .flatMap((found) => {
      const [, name = "", text = ""] = found ?? [];
      const bytes = decode(text);
      return name === "" || bytes.length < 5
        ? []
        : [{ name, id: Array.from(bytes.subarray(0, 4), two).join(""), bytes: bytes.slice(4) }];
    });
  return { origin, size: Number(size), root: decode(root), text: utf8(body), signatures };
}

const two = (byte: number) => byte.toString(16).padStart(2, "0");
const decode = (text: string): Bytes => Uint8Array.from(atob(text), (unit) => unit.charCodeAt(0));

/** Whether a tree begins with an older one: the root of the older tree out of the newer one's tiles. */
export async function isGrownFrom(tree: Tree, size: number, root: Uint8Array): Promise<boolean> {
  return size <= tree.size && same(await tree.root(0, size), root);
}

/** The entries of a bundle: each is two bytes of length and then its bytes. */
export function entriesOf(bundle: Uint8Array): readonly Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let at = 0; at + 2 <= bundle.length; ) {
    const length = ((bundle[at] ?? 0) << 8) | (bundle[at + 1] ?? 0);
    found.push(bundle.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return found;
}

/** The key of a log, as `skep audit key` prints it: `<name>+<id>+<base64>`. */
export async function parseLogKey(
  text: string,
): Promise<{ readonly id: string; readonly key: Bytes } | undefined> {
  const [, name, id, encoded] = /^(\S+)\+([0-9a-f]{8})\+(\S+)$/.exec(text.trim()) ?? [];
  if (!name || !id || !encoded) return undefined;
  const typed = decode(encoded);
  const digest = await sha256(utf8(`${name}\n`), typed);
  if (typed[0] !== 1 || typed.length !== 33 || Array.from(digest.subarray(0, 4), two).join("") !== id)
    return undefined;
  return { id, key: typed.slice(1) };
}
