import { fault } from "./faults.ts";
import { checkHash, checkSize, emptyRoot, hashSize, mergeAt, nodeHash } from "./hash.ts";

/** Called for every inner node that an append completes, lowest first; `hash` is valid during the call only. */
export type OnNode = (level: number, index: number, hash: Uint8Array) => void;

function countBits(size: number): number {
  let count = 0;
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) count += rest % 2;
  return count;
}

/**
 * The roots of the complete subtrees that cover leaves 0 to size-1, largest first: all that is needed
 * to append and to know the root. An append costs one node hash on average.
 */
export class CompactRange {
  #size = 0;
  #depth = 0;
  readonly #stack = Buffer.alloc(54 * hashSize);

  /** Number of leaves. */
  get size(): number {
    return this.#size;
  }

  /** Adds the hash of the next leaf; throws `tlog.hash` unless it has 32 bytes. */
  append(leaf: Uint8Array, onNode?: OnNode): void {
    checkHash(leaf);
    const stack = this.#stack;
    let at = this.#depth * hashSize;
    stack.set(leaf, at);
    let level = 0;
    let index = this.#size;
    while (index % 2 === 1) {
      at -= hashSize;
      mergeAt(stack, at);
      index = (index - 1) / 2;
      level += 1;
      onNode?.(level, index, stack.subarray(at, at + hashSize));
    }
    this.#depth = at / hashSize + 1;
    this.#size += 1;
  }

  /** Root of the tree so far, RFC 6962 section 2.1; the empty root for no leaves. */
  root(): Uint8Array {
    const parts = this.nodes();
    let root = parts.pop();
    if (!root) return emptyRoot();
    for (let left = parts.pop(); left; left = parts.pop()) root = nodeHash(left, root);
    return root;
  }

  /** Copies of the subtree roots, largest subtree first. */
  nodes(): Uint8Array[] {
    return Array.from({ length: this.#depth }, (_, at) =>
      Uint8Array.prototype.slice.call(this.#stack, at * hashSize, (at + 1) * hashSize),
    );
  }

  /** Size as u64 big-endian, then the subtree roots, largest first. */
  serialise(): Uint8Array {
    const head = Buffer.alloc(8);
    head.writeBigUInt64BE(BigInt(this.#size));
    return Buffer.concat([head, this.#stack.subarray(0, this.#depth * hashSize)]);
  }

  /** Reads what `serialise` wrote; throws `tlog.frontier` when the length does not fit the size. */
  static restore(bytes: Uint8Array): CompactRange {
    if (bytes.length < 8) throw fault.frontier("too short");
    const size = Number(Buffer.from(bytes.subarray(0, 8)).readBigUInt64BE());
    if (!Number.isSafeInteger(size)) throw fault.frontier("size beyond 2^53-1");
    const nodes: Uint8Array[] = [];
    for (let at = 8; at < bytes.length; at += hashSize) nodes.push(bytes.subarray(at, at + hashSize));
    return CompactRange.of(size, nodes);
  }

  /** The range of `size` leaves with these subtree roots, largest first. */
  static of(size: number, nodes: readonly Uint8Array[]): CompactRange {
    checkSize(size);
    const made = new CompactRange();
    if (nodes.length !== countBits(size)) throw fault.frontier(`${nodes.length} nodes for size ${size}`);
    for (const [at, node] of nodes.entries()) {
      if (node.length !== hashSize) throw fault.frontier("node of wrong length");
      made.#stack.set(node, at * hashSize);
    }
    made.#depth = nodes.length;
    made.#size = size;
    return made;
  }
}
