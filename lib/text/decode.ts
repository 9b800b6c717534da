let made: InstanceType<typeof TextDecoder> | undefined;

function strictly(bytes: Uint8Array): string {
  made ??= new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  return made.decode(bytes);
}

function sequenceLength(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] ?? 0;
  if (lead < 0x80) return 1;
  const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  try {
    strictly(bytes.subarray(at, at + length));
    return length;
  } catch {
    return 0;
  }
}

function cutText(text: string, max: number | undefined): (string | number)[] {
  return max !== undefined && text.length > max ? [text.slice(0, max), -1] : [text];
}

/**
 * Bytes as text, with each byte that is no UTF-8 as its number. At most `max` characters are kept; the cut is marked
 * by -1.
 */
export function decodeMarked(bytes: Uint8Array, max?: number): (string | number)[] {
  try {
    return cutText(strictly(bytes), max);
  } catch {
    return decodeDamaged(bytes, max ?? Number.POSITIVE_INFINITY);
  }
}

function decodeDamaged(bytes: Uint8Array, max: number): (string | number)[] {
  const parts: (string | number)[] = [];
  let from = 0;
  let at = 0;
  const flush = () => {
    if (at > from) parts.push(strictly(bytes.subarray(from, at)));
  };
  for (let kept = 0; at < bytes.length; kept++) {
    if (kept >= max) {
      flush();
      parts.push(-1);
      return parts;
    }
    const length = sequenceLength(bytes, at);
    if (length === 0) {
      flush();
      parts.push(bytes[at] ?? 0);
      from = at + 1;
    }
    at += length || 1;
  }
  flush();
  return parts;
}
