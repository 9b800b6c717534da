import type { Blobs, StreamSource } from "@skep/kernel";
import type { Input, Output } from "./model.ts";

/** Bytes that are complete, read as a stream: inline or by digest. */
export function storedSource({ bytes, inline, digest }: Output | Input, blobs: Blobs): StreamSource {
  if (inline !== undefined) return wholeSource(Buffer.from(inline, "base64"));
  return complete(bytes, (offset, count) =>
    digest === undefined ? new Uint8Array(0) : blobs.read(digest, offset, Math.min(count, bytes - offset)),
  );
}

/** The same of bytes at hand. */
export function wholeSource(bytes: Uint8Array): StreamSource {
  return complete(bytes.length, (offset, count) => bytes.subarray(offset, offset + count));
}

function complete(bytes: number, read: StreamSource["read"]): StreamSource {
  return {
    base: 0,
    next: bytes,
    ended: true,
    read,
    wait: (act) => {
      act();
      return { stop: () => undefined };
    },
  };
}
