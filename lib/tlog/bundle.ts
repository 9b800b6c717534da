import { fault } from "./faults.ts";
import { tileWidth } from "./tile-path.ts";

/** Longest entry in bytes: its length is a u16. */
export const maxEntrySize = 0xffff;

/** Entry bundle, C2SP tlog-tiles: each entry is its length (u16 big-endian) and its bytes; at most 256 entries. */
export function encodeBundle(entries: readonly Uint8Array[]): Uint8Array {
  if (entries.length > tileWidth) throw fault.bundle(`${entries.length} entries`);
  const parts: Uint8Array[] = [];
  for (const entry of entries) {
    if (entry.length > maxEntrySize) throw fault.entryTooLong(entry.length);
    const head = Buffer.alloc(2);
    head.writeUInt16BE(entry.length);
    parts.push(head, entry);
  }
  return Buffer.concat(parts);
}

/** The entries of a bundle as views into it; with `width`, exactly so many. Throws `tlog.bundle` on damage. */
export function decodeBundle(bytes: Uint8Array, width?: number): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (at + 2 > bytes.length) throw fault.bundle("length cut short");
    const start = at + 2;
    at = start + view.getUint16(at);
    if (at > bytes.length) throw fault.bundle("entry cut short");
    entries.push(bytes.subarray(start, at));
    if (entries.length > tileWidth) throw fault.bundle("more than 256 entries");
  }
  if (width !== undefined && entries.length !== width)
    throw fault.bundle(`${entries.length} entries where ${width} were due`);
  return entries;
}
