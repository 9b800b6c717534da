import { fault } from "./faults.ts";
import { checkSize, emptyRoot, hashSize, nodeHash } from "./hash.ts";
import { narrowTile, tileWidth, tileWidthAt } from "./tile-path.ts";
import { isSubtree, type Subtree } from "./verify-proof.ts";

/**
 * Reads the tile of hashes at `level` and `index`, which has `width` hashes in the tree in question;
 * may return a wider version of the same tile.
 */
export type TileReader = (
  level: number,
  index: number,
  width: number,
) => Uint8Array | PromiseLike<Uint8Array>;

function powerBelow(size: number): number {
  let power = 1;
  while (power * 2 < size) power *= 2;
  return power;
}

/** The ranges whose hashes make the proof, in proof order: SUBTREE_SUBPROOF of draft-ietf-plants-merkle-tree-certs. */
function proofRanges(subtree: Subtree, size: number): Subtree[] {
  const ranges: Subtree[] = [];
  let { start } = subtree;
  const { end } = subtree;
  let low = 0;
  let high = size;
  let known = true;
  while (start !== low || end !== high) {
    const middle = low + powerBelow(high - low);
    if (end <= middle) {
      ranges.push({ start: middle, end: high });
      high = middle;
    } else {
      ranges.push({ start: low, end: middle });
      // A subtree on both sides of the middle starts at `low`: what remains of it is not known to the verifier.
      if (start < middle) known = false;
      low = middle;
      start = Math.max(start, middle);
    }
  }
  if (!known) ranges.push({ start: low, end: high });
  return ranges.reverse();
}

/** Root of 2^n hashes that lie side by side in a tile. */
export function rootOfHashes(data: Uint8Array, offset: number, count: number): Uint8Array {
  let row = Array.from({ length: count }, (_, at) =>
    data.subarray((offset + at) * hashSize, (offset + at + 1) * hashSize),
  );
  while (row.length > 1) {
    const above: Uint8Array[] = [];
    for (let at = 0; at + 1 < row.length; at += 2)
      above.push(nodeHash(row[at] ?? emptyRoot(), row[at + 1] ?? emptyRoot()));
    row = above;
  }
  return Uint8Array.from(row[0] ?? emptyRoot());
}

class TileTree {
  readonly #size: number;
  readonly #read: TileReader;
  readonly #tiles = new Map<string, Promise<Uint8Array>>();

  constructor(size: number, read: TileReader) {
    this.#size = size;
    this.#read = read;
  }

  /** Root of leaves `start` to `end`-1, which must be a subtree. */
  async hash({ start, end }: Subtree): Promise<Uint8Array> {
    const parts: Promise<Uint8Array>[] = [];
    for (let at = start; at < end; ) {
      let level = 0;
      while (2 ** (level + 1) <= end - at) level += 1;
      parts.push(this.#node(level, at / 2 ** level));
      at += 2 ** level;
    }
    const nodes = await Promise.all(parts);
    return nodes.length === 0 ? emptyRoot() : nodes.reduceRight((right, left) => nodeHash(left, right));
  }

  async #node(level: number, index: number): Promise<Uint8Array> {
    const count = 2 ** (level % 8);
    const first = index * count;
    const tile = await this.#tile(Math.floor(level / 8), Math.floor(first / tileWidth));
    return rootOfHashes(tile, first % tileWidth, count);
  }

  #tile(level: number, index: number): Promise<Uint8Array> {
    const key = `${level}/${index}`;
    const known = this.#tiles.get(key);
    if (known) return known;
    const made = this.#fetch(level, index);
    this.#tiles.set(key, made);
    return made;
  }

  async #fetch(level: number, index: number): Promise<Uint8Array> {
    const width = tileWidthAt(this.#size, level, index);
    return narrowTile(await this.#read(level, index, width), width);
  }
}

function prove(ranges: readonly Subtree[], size: number, read: TileReader): Promise<Uint8Array[]> {
  const tree = new TileTree(size, read);
  return Promise.all(ranges.map((range) => tree.hash(range)));
}

/** Audit path of leaf `index` in the tree of `size` leaves, leaf's sibling first. */
export async function proveInclusion(index: number, size: number, read: TileReader): Promise<Uint8Array[]> {
  checkSize(index);
  checkSize(size);
  if (index >= size) throw fault.range(`leaf ${index} of ${size}`);
  return prove(proofRanges({ start: index, end: index + 1 }, size), size, read);
}

/** Proof that the tree of `size2` leaves begins with the tree of `size1`; empty for equal sizes; `size1` from 1. */
export async function proveConsistency(
  size1: number,
  size2: number,
  read: TileReader,
): Promise<Uint8Array[]> {
  checkSize(size1);
  if (size1 === 0) throw fault.range("consistency with the empty tree");
  return proveSubtreeConsistency({ start: 0, end: size1 }, size2, read);
}

/** Proof that a subtree is part of the tree of `size` leaves; empty for an empty subtree. */
export async function proveSubtreeConsistency(
  subtree: Subtree,
  size: number,
  read: TileReader,
): Promise<Uint8Array[]> {
  checkSize(size);
  if (!isSubtree(subtree) || subtree.end > size)
    throw fault.range(`[${subtree.start}, ${subtree.end}) of ${size}`);
  if (subtree.start === subtree.end) return [];
  return prove(proofRanges(subtree, size), size, read);
}

/** Audit path of leaf `index` (counted in the whole log) inside a subtree of the tree of `size` leaves. */
export async function proveSubtreeInclusion(
  index: number,
  subtree: Subtree,
  size: number,
  read: TileReader,
): Promise<Uint8Array[]> {
  const { start, end } = subtree;
  checkSize(index);
  checkSize(size);
  if (!isSubtree(subtree) || index < start || index >= end || end > size)
    throw fault.range(`leaf ${index} of [${start}, ${end}) of ${size}`);
  const inside = proofRanges({ start: index - start, end: index - start + 1 }, end - start);
  return prove(
    inside.map((range) => ({ start: range.start + start, end: range.end + start })),
    size,
    read,
  );
}

/** Root of the tree of `size` leaves, or of one of its subtrees, from its tiles. */
export async function rootFromTiles(
  size: number,
  read: TileReader,
  subtree: Subtree = { start: 0, end: size },
): Promise<Uint8Array> {
  checkSize(size);
  if (!isSubtree(subtree) || subtree.end > size)
    throw fault.range(`[${subtree.start}, ${subtree.end}) of ${size}`);
  return new TileTree(size, read).hash(subtree);
}
