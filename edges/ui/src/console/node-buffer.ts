// Stands for node:buffer where the grammar asks for it; the page's frames are the server's.
const strict = new TextDecoder("utf-8", { fatal: true });

/** Whether bytes are UTF-8. */
export function isUtf8(bytes: Uint8Array): boolean {
  try {
    strict.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

// The grammar counts bytes the way Node does.
const counted = { byteLength: (text: string): number => new TextEncoder().encode(text).length };
(globalThis as { Buffer?: unknown }).Buffer ??= counted;
