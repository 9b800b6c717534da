const fin = 0x80;
const fir = 0x40;
const mostSegment = 249;
/** Longest fragment that is put together, bytes. */
const mostFragment = 64 * 1024;

/** Segments of a fragment, each for one link frame, numbered from `seq` on modulo 64 (IEEE 1815-2012, 8.2). */
export function segments(fragment: Uint8Array, seq: number): Buffer[] {
  const made: Buffer[] = [];
  for (let at = 0; at === 0 || at < fragment.length; at += mostSegment) {
    const last = at + mostSegment >= fragment.length;
    const head = (last ? fin : 0) | (at === 0 ? fir : 0) | ((seq + made.length) & 0x3f);
    made.push(Buffer.concat([Buffer.from([head]), fragment.subarray(at, at + mostSegment)]));
  }
  return made;
}

/** Puts fragments together; segments that do not follow are dropped, with what was there of their fragment. */
export class Reassembler {
  #parts: Uint8Array[] = [];
  #size = 0;
  #next: number | undefined;

  /** The fragment that this segment ends, if it does. */
  push(segment: Uint8Array): Buffer | undefined {
    const [head] = segment;
    if (head === undefined) return undefined;
    const seq = head & 0x3f;
    const begins = (head & fir) !== 0;
    if (!begins && seq !== this.#next) {
      this.#reset();
      return undefined;
    }
    if (begins) this.#reset();
    this.#parts.push(segment.subarray(1));
    this.#size += segment.length - 1;
    this.#next = (seq + 1) & 0x3f;
    if (this.#size > mostFragment) this.#reset();
    if ((head & fin) === 0 || this.#next === undefined) return undefined;
    const whole = Buffer.concat(this.#parts);
    this.#reset();
    return whole;
  }

  #reset(): void {
    this.#parts = [];
    this.#size = 0;
    this.#next = undefined;
  }
}
