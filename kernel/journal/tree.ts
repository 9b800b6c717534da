import { CompactRange, hashSize, leafHash } from "@skep/tlog";
import { fault } from "./faults.ts";

const width = 256;

/** Root of `count` hashes that lie side by side. */
function rootOf(hashes: Uint8Array, from: number, count: number): Uint8Array {
  const range = new CompactRange();
  for (let at = from; at < from + count; at += 1)
    range.append(hashes.subarray(at * hashSize, (at + 1) * hashSize));
  return range.root();
}

/** Reads records from a sequence on, all of them or fewer. */
export type ReadRecords = (from: number, count: number) => Promise<readonly Uint8Array[]>;

/**
 * The Merkle tree over the records. It keeps the root's frontier, the hashes of the open tile, and one hash for
 * each full tile of 256 leaves; level-0 tiles are hashed from the records when somebody asks.
 */
export class JournalTree {
  #range = new CompactRange();
  readonly #open = Buffer.alloc(width * hashSize);
  #full = Buffer.alloc(64 * hashSize);
  readonly #read: ReadRecords;
  readonly #tiles = new Map<number, Uint8Array>();
  /** Of levels above the first, as they were asked for: one for 65,536 records at most, and they never change. */
  readonly #nodes = new Map<string, Uint8Array>();

  constructor(read: ReadRecords) {
    this.#read = read;
  }

  get size(): number {
    return this.#range.size;
  }

  /** Hashes of the full tiles so far, 32 bytes each; kept in a file so that a start need not hash everything. */
  get fullTiles(): Uint8Array {
    return this.#full.subarray(0, Math.floor(this.size / width) * hashSize);
  }

  append(record: Uint8Array): void {
    const at = this.size;
    const leaf = leafHash(record);
    this.#open.set(leaf, (at % width) * hashSize);
    this.#range.append(leaf, (level, index, hash) => {
      if (level === 8) this.#keep(index, hash);
    });
  }

  #keep(index: number, hash: Uint8Array): void {
    if ((index + 1) * hashSize > this.#full.length) {
      const grown = Buffer.alloc(this.#full.length * 2);
      grown.set(this.#full);
      this.#full = grown;
    }
    this.#full.set(hash, index * hashSize);
  }

  /** Starts from the hashes of full tiles; the records after them are appended by the caller. */
  seed(tiles: Uint8Array): void {
    const count = Math.floor(tiles.length / hashSize);
    const nodes: Uint8Array[] = [];
    for (let at = 0, rest = count; rest > 0; ) {
      const span = 2 ** Math.floor(Math.log2(rest));
      nodes.push(rootOf(tiles, at, span));
      at += span;
      rest -= span;
    }
    this.#range = CompactRange.of(count * width, nodes);
    this.#full = Buffer.alloc(Math.max(64, count * 2) * hashSize);
    this.#full.set(tiles.subarray(0, count * hashSize));
  }

  root(): Uint8Array {
    return this.#range.root();
  }

  /** A tile of at least `wanted` hashes, for proofs and for tlog-tiles (§ Merkle tree). Throws `journal.beyond`. */
  async tile(level: number, index: number, wanted: number): Promise<Uint8Array> {
    if ((index * width + wanted) * width ** level > this.size) throw fault.beyond(`tile ${level}/${index}`);
    if (level === 0) return this.#leafTile(index, wanted);
    const nodes = Array.from({ length: wanted }, (_, at) => this.#node(level, index * width + at));
    return Buffer.concat(nodes);
  }

  /** Root of `width ** level` leaves that lie side by side and are all there. */
  #node(level: number, index: number): Uint8Array {
    if (level === 1) return this.#full.subarray(index * hashSize, (index + 1) * hashSize);
    const key = `${level}/${index}`;
    const known = this.#nodes.get(key);
    if (known) return known;
    const range = new CompactRange();
    for (let at = 0; at < width; at += 1) range.append(this.#node(level - 1, index * width + at));
    const node = range.root();
    this.#nodes.set(key, node);
    return node;
  }

  async #leafTile(index: number, wanted: number): Promise<Uint8Array> {
    const from = index * width;
    if (from + width > this.size) return Uint8Array.prototype.slice.call(this.#open, 0, wanted * hashSize);
    const known = this.#tiles.get(index);
    if (known) return known;
    const tile = Buffer.alloc(width * hashSize);
    for (let at = 0; at < width; ) {
      const records = await this.#read(from + at, width - at);
      for (const record of records) {
        tile.set(leafHash(record), at * hashSize);
        at += 1;
      }
    }
    if (this.#tiles.size >= 64) this.#tiles.delete(this.#tiles.keys().next().value ?? 0);
    this.#tiles.set(index, tile);
    return tile;
  }
}
