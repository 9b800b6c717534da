import { sameBytes } from "./encoding.ts";
import { fault } from "./faults.ts";
import { checkHash, checkSize, emptyRoot, nodeHash } from "./hash.ts";

const half = (value: number) => Math.floor(value / 2);
const odd = (value: number) => value % 2 === 1;

/** Leaves `start` to `end`-1 of a tree. */
export interface Subtree {
  readonly start: number;
  readonly end: number;
}

function expect(root: Uint8Array, wanted: Uint8Array): void {
  checkHash(wanted);
  if (!sameBytes(root, wanted)) throw fault.proof("the root differs");
}

/** The root that this audit path leads to, RFC 9162 section 2.1.3.2; throws `tlog.proof` when it cannot fit. */
export function rootOfInclusion(
  index: number,
  size: number,
  leaf: Uint8Array,
  proof: readonly Uint8Array[],
): Uint8Array {
  checkSize(index);
  checkSize(size);
  checkHash(leaf);
  if (index >= size) throw fault.proof("the leaf lies outside the tree");
  let node = index;
  let last = size - 1;
  let root = leaf;
  for (const hash of proof) {
    if (last === 0) throw fault.proof("too many hashes");
    if (odd(node) || node === last) {
      root = nodeHash(hash, root);
      while (!odd(node) && node !== 0) {
        node = half(node);
        last = half(last);
      }
    } else {
      root = nodeHash(root, hash);
    }
    node = half(node);
    last = half(last);
  }
  if (last !== 0) throw fault.proof("too few hashes");
  return root;
}

/** Throws unless `proof` shows that `leaf` is leaf `index` of the tree of `size` leaves with this root. */
export function verifyInclusion(
  index: number,
  size: number,
  leaf: Uint8Array,
  proof: readonly Uint8Array[],
  root: Uint8Array,
): void {
  expect(rootOfInclusion(index, size, leaf, proof), root);
}

/** Throws unless `proof` shows that the tree of `size2` leaves begins with the tree of `size1` (RFC 6962 section 2.1.2). */
export function verifyConsistency(
  size1: number,
  size2: number,
  root1: Uint8Array,
  root2: Uint8Array,
  proof: readonly Uint8Array[],
): void {
  checkSize(size1);
  checkSize(size2);
  if (size1 === 0) throw fault.proof("consistency with the empty tree shows nothing");
  verifySubtreeConsistency({ start: 0, end: size1 }, size2, root1, root2, proof);
}

/** Whether `start` is a multiple of the smallest power of two that is not below the length. */
export function isSubtree({ start, end }: Subtree): boolean {
  checkSize(start);
  checkSize(end);
  if (start > end) return false;
  let width = 1;
  while (width < end - start) width *= 2;
  return start % width === 0;
}

/** Throws unless `proof` shows that `leaf` is leaf `index` (counted in the whole log) of the subtree with this root. */
export function verifySubtreeInclusion(
  index: number,
  subtree: Subtree,
  leaf: Uint8Array,
  proof: readonly Uint8Array[],
  root: Uint8Array,
): void {
  checkSize(index);
  if (!isSubtree(subtree)) throw fault.proof("no valid subtree");
  if (index < subtree.start) throw fault.proof("the leaf lies outside the subtree");
  verifyInclusion(index - subtree.start, subtree.end - subtree.start, leaf, proof, root);
}

/** Positions of a subtree's edges and of the tree's last leaf on the level that a proof has reached. */
interface Climb {
  readonly first: number;
  readonly last: number;
  readonly end: number;
}

function climb(from: Climb, stop: (at: Climb) => boolean): Climb {
  let at = from;
  while (!stop(at)) at = { first: half(at.first), last: half(at.last), end: half(at.end) };
  return at;
}

/**
 * Throws unless `proof` shows that the subtree with root `root1` is part of the tree of `size` leaves with
 * root `root2` (draft-ietf-plants-merkle-tree-certs section 4.4.3). An empty subtree is consistent with any tree.
 */
export function verifySubtreeConsistency(
  subtree: Subtree,
  size: number,
  root1: Uint8Array,
  root2: Uint8Array,
  proof: readonly Uint8Array[],
): void {
  checkSize(size);
  if (!isSubtree(subtree) || subtree.end > size) throw fault.proof("no valid subtree of this tree");
  if (subtree.start === subtree.end) {
    if (proof.length > 0) throw fault.proof("too many hashes");
    expect(emptyRoot(), root1);
    return;
  }
  if (subtree.start === 0 && subtree.end === size) {
    // Nothing is hashed here, so the published cases allow roots of any length.
    if (proof.length > 0) throw fault.proof("too many hashes");
    if (root1.length === 0 || !sameBytes(root1, root2)) throw fault.proof("the root differs");
    return;
  }
  checkHash(root1);
  checkHash(root2);
  const [sub, whole] = climbBoth(
    { first: subtree.start, last: subtree.end - 1, end: size - 1 },
    root1,
    proof,
  );
  expect(sub, root1);
  expect(whole, root2);
}

function climbBoth(
  start: Climb,
  root1: Uint8Array,
  proof: readonly Uint8Array[],
): readonly [sub: Uint8Array, whole: Uint8Array] {
  const toRoot = start.last === start.end;
  let at = climb(start, (now) => now.first === now.last || (!toRoot && !odd(now.last)));
  const whole = at.first === at.last;
  const seed = whole ? root1 : proof[0];
  if (!seed) throw fault.proof("too few hashes");
  let sub = seed;
  let root = seed;
  for (const hash of whole ? proof : proof.slice(1)) {
    if (at.end === 0) throw fault.proof("too many hashes");
    if (odd(at.last) || at.last === at.end) {
      if (at.first < at.last) sub = nodeHash(hash, sub);
      root = nodeHash(hash, root);
      at = climb(at, (now) => odd(now.last) || now.last === 0);
    } else {
      root = nodeHash(root, hash);
    }
    at = { first: half(at.first), last: half(at.last), end: half(at.end) };
  }
  if (at.end !== 0) throw fault.proof("too few hashes");
  checkHash(sub);
  checkHash(root);
  return [sub, root];
}
