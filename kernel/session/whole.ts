import type { Handle } from "./handle.ts";

/** All of an open file from an offset, at most `most` bytes; closes it. */
export async function readWhole(handle: Handle, offset: number, most: number): Promise<Uint8Array> {
  try {
    const parts: Uint8Array[] = [];
    let length = 0;
    while (length < most) {
      const part = await handle.read(offset + length, most - length);
      if (part.length === 0) break;
      parts.push(part);
      length += part.length;
    }
    return Buffer.concat(parts);
  } finally {
    await handle.close();
  }
}
