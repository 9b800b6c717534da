/** Bytes that grow, with the number forms of WebAssembly. */
export class Writer {
  #bytes: Uint8Array;
  length = 0;

  constructor(capacity: number) {
    this.#bytes = new Uint8Array(Math.max(capacity, 64));
  }

  #room(count: number): void {
    if (this.length + count <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.length + count));
    grown.set(this.#bytes.subarray(0, this.length));
    this.#bytes = grown;
  }

  u8(...values: readonly number[]): void {
    this.#room(values.length);
    for (const value of values) this.#bytes[this.length++] = value;
  }

  u32(value: number): void {
    this.#room(5);
    let rest = value;
    while (rest > 0x7f) {
      this.#bytes[this.length++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.length++] = rest;
  }

  /** A signed LEB128 number; `value` is a safe integer. */
  signed(value: number): void {
    this.#room(10);
    let rest = value;
    for (;;) {
      const low = ((rest % 128) + 128) % 128;
      rest = Math.floor(rest / 128);
      const done = (rest === 0 && low < 64) || (rest === -1 && low >= 64);
      this.#bytes[this.length++] = done ? low : low | 0x80;
      if (done) return;
    }
  }

  /** A signed LEB128 number of 64 bits. */
  signed64(value: bigint): void {
    this.#room(10);
    let rest = value;
    for (;;) {
      const low = Number(rest & 0x7fn);
      rest >>= 7n;
      const done = (rest === 0n && low < 64) || (rest === -1n && low >= 64);
      this.#bytes[this.length++] = done ? low : low | 0x80;
      if (done) return;
    }
  }

  bytes(source: Uint8Array): void {
    this.#room(source.length);
    this.#bytes.set(source, this.length);
    this.length += source.length;
  }

  /** Bytes `from` to `to` of `source`. */
  slice(source: Uint8Array, from: number, to: number): void {
    if (to - from > 24) {
      this.bytes(source.subarray(from, to));
      return;
    }
    this.#room(to - from);
    for (let at = from; at < to; at++) this.#bytes[this.length++] = source[at] ?? 0;
  }

  name(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.u32(bytes.length);
    this.bytes(bytes);
  }

  /** What was written; valid until the next write. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  clear(): void {
    this.length = 0;
  }
}
