import type { Blobs, StreamSource } from "@skep/kernel";
import type { Input, Output } from "./model.ts";

/** Bytes that are complete, read as a stream: inline or by digest. */
export function storedSource(stored: Output | Input, blobs: Blobs): StreamSource {
  const { bytes, inline, digest } = stored;
  const known = inline === undefined ? undefined : Buffer.from(inline, "base64");
  return {
    base: 0,
    next: bytes,
    ended: true,
    read: (offset, count) => {
      if (known) return known.subarray(offset, offset + count);
      return digest === undefined
        ? new Uint8Array(0)
        : blobs.read(digest, offset, Math.min(count, bytes - offset));
    },
    wait: (act) => {
      act();
      return { stop: () => undefined };
    },
  };
}
