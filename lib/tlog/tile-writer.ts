import { rootOfHashes, type TileReader } from "./build-proof.ts";
import { CompactRange, type OnNode } from "./compact-range.ts";
import { fault } from "./faults.ts";
import { hashSize } from "./hash.ts";
import { narrowTile, tileWidth, treeShape } from "./tile-path.ts";

/** A tile of hashes with its bytes, `width` × 32 of them. */
export interface Tile {
  readonly level: number;
  readonly index: number;
  readonly width: number;
  readonly data: Uint8Array;
}

/** One level's growing tile, and the full one before it. */
interface Row {
  index: number;
  width: number;
  data: Uint8Array;
  before: Uint8Array | undefined;
}

const none: readonly Tile[] = [];

function rowAt(index: number): Row {
  return { index, width: 0, data: new Uint8Array(tileWidth * hashSize), before: undefined };
}

/** Builds the tiles of a growing log: full ones as they complete, partial ones for the newest sizes on demand. */
export class TileWriter {
  #range = new CompactRange();
  readonly #rows: Row[] = [];
  #full: Tile[] = [];
  readonly #onNode: OnNode = (level, _index, hash) => {
    if (level % 8 === 0) this.#put(level / 8, hash);
  };

  /** Number of leaves. */
  get size(): number {
    return this.#range.size;
  }

  /** Root of the tree so far. */
  root(): Uint8Array {
    return this.#range.root();
  }

  /** Adds the hash of the next leaf and gives the tiles that it makes full, lowest level first. */
  append(leaf: Uint8Array): readonly Tile[] {
    // The range goes first because it refuses a wrong hash; level 0 fills before any node above completes,
    // so its tile is put in front.
    this.#range.append(leaf, this.#onNode);
    const above = this.#full;
    this.#full = [];
    this.#put(0, leaf);
    if (this.#full.length === 0) return none;
    const full = [...this.#full, ...above];
    this.#full = [];
    return full;
  }

  /** A copy of a tile's first `width` hashes where memory still holds them: the newest two tiles of each level. */
  tile(level: number, index: number, width: number): Uint8Array | undefined {
    const row = this.#rows[level];
    if (!row || width < 1) return undefined;
    if (index === row.index && width <= row.width) return row.data.slice(0, width * hashSize);
    if (index === row.index - 1 && width <= tileWidth) return row.before?.slice(0, width * hashSize);
    return undefined;
  }

  /** Partial tiles of the tree as it was at `size`; throws `tlog.tilePassed` where the full tile must be cut instead. */
  partialTiles(size: number = this.size): Tile[] {
    if (size > this.size) throw fault.range(`size ${size} of ${this.size}`);
    const tiles: Tile[] = [];
    for (const { level, full, partial } of treeShape(size)) {
      if (partial === 0) continue;
      const data = this.tile(level, full, partial);
      if (!data) throw fault.tilePassed(`level ${level}, index ${full}, width ${partial}`);
      tiles.push({ level, index: full, width: partial, data });
    }
    return tiles;
  }

  /** The frontier, to be kept beside a snapshot. */
  serialise(): Uint8Array {
    return this.#range.serialise();
  }

  /** Goes on at `size` from the partial tiles of that size; compare `root()` with a checkpoint before trusting it. */
  static async restore(size: number, read: TileReader): Promise<TileWriter> {
    const made = new TileWriter();
    const nodes: Uint8Array[] = [];
    for (const { level, full, partial } of treeShape(size)) {
      const row = rowAt(full);
      made.#rows[level] = row;
      if (partial === 0) continue;
      row.data.set(narrowTile(await read(level, full, partial), partial));
      row.width = partial;
      nodes.unshift(...frontierOf(row.data, partial));
    }
    made.#range = CompactRange.of(size, nodes);
    return made;
  }

  #put(level: number, hash: Uint8Array): void {
    let row = this.#rows[level];
    if (!row) {
      row = rowAt(0);
      this.#rows[level] = row;
    }
    row.data.set(hash, row.width * hashSize);
    row.width += 1;
    if (row.width < tileWidth) return;
    this.#full.push({ level, index: row.index, width: tileWidth, data: row.data });
    this.#rows[level] = { ...rowAt(row.index + 1), before: row.data };
  }
}

/** Roots of the complete subtrees that cover the first `width` hashes, largest first. */
function frontierOf(data: Uint8Array, width: number): Uint8Array[] {
  const nodes: Uint8Array[] = [];
  for (let count = tileWidth / 2, at = 0; count >= 1; count /= 2) {
    if (at + count > width) continue;
    nodes.push(rootOfHashes(data, at, count));
    at += count;
  }
  return nodes;
}
