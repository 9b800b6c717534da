import { createHash, hash } from "node:crypto";
import { fault } from "./faults.ts";

/** Length in bytes of every hash here: SHA-256. */
export const hashSize = 32;

// One-shot hashing to a binary string is three times as fast as to a Buffer in Node 24.
const scratch = Buffer.alloc(4096);

function digest(input: Uint8Array): Uint8Array {
  return Buffer.from(hash("sha256", input, "binary"), "latin1");
}

/** Throws `tlog.hash` unless `bytes` has the length of a SHA-256 hash. */
export function checkHash(bytes: Uint8Array): void {
  if (!(bytes instanceof Uint8Array) || bytes.length !== hashSize) throw fault.hash(bytes?.length);
}

/** Throws `tlog.size` unless `value` is a whole number from 0 to 2^53-1. */
export function checkSize(value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) throw fault.size(value);
}

/** Hash of a leaf: SHA-256(0x00 ‖ data), RFC 6962 section 2.1. */
export function leafHash(data: Uint8Array): Uint8Array {
  if (data.length >= scratch.length) return createHash("sha256").update("\0").update(data).digest();
  scratch[0] = 0;
  scratch.set(data, 1);
  return digest(scratch.subarray(0, data.length + 1));
}

const pair = Buffer.alloc(1 + 2 * hashSize);
pair[0] = 1;

/** Hash of an inner node: SHA-256(0x01 ‖ left ‖ right); throws `tlog.hash` on other lengths than 32. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  checkHash(left);
  checkHash(right);
  pair.set(left, 1);
  pair.set(right, 1 + hashSize);
  return digest(pair);
}

/** Replaces the two hashes at `offset` of `into` by their parent, without allocating. */
export function mergeAt(into: Buffer, offset: number): void {
  into.copy(pair, 1, offset, offset + 2 * hashSize);
  into.write(hash("sha256", pair, "binary"), offset, hashSize, "latin1");
}

/** Root of the tree without leaves: SHA-256 of nothing; a fresh copy at each call. */
export function emptyRoot(): Uint8Array {
  return digest(new Uint8Array(0));
}
