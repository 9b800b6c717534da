const firstBytes = 4096;

/** A file in memory. What `snapshot` gave never changes: the first write after it works on a copy. */
export class MemoryFile {
  #bytes: Uint8Array;
  #size: number;
  #shown = false;
  /** Whether it changed since the last snapshot. */
  dirty = false;
  /** Whether it has a name. */
  linked = true;
  /** Descriptors that have it open. */
  opened = 0;
  /** Tells it from others: WASI's inode. */
  readonly number: bigint;

  constructor(number: bigint, content: Uint8Array = new Uint8Array(0)) {
    this.number = number;
    this.#bytes = content;
    this.#size = content.length;
    this.#shown = true;
  }

  get size(): number {
    return this.#size;
  }

  /** What writing up to `end` costs beside the bytes themselves: those that are copied first. */
  costOf(end: number): number {
    return this.#shown || end > this.#bytes.length ? this.#size : 0;
  }

  /** Room for `end` bytes that nobody else sees. */
  #own(end: number): void {
    if (!this.#shown && end <= this.#bytes.length) return;
    const room = end <= this.#bytes.length ? this.#bytes.length : Math.max(firstBytes, end, this.#size * 2);
    const bytes = new Uint8Array(room);
    bytes.set(this.#bytes.subarray(0, this.#size));
    this.#bytes = bytes;
    this.#shown = false;
  }

  read(at: number, length: number): Uint8Array {
    return this.#bytes.subarray(Math.min(at, this.#size), Math.min(at + length, this.#size));
  }

  write(at: number, bytes: Uint8Array): void {
    const end = at + bytes.length;
    this.#own(Math.max(end, this.#size));
    if (at > this.#size) this.#bytes.fill(0, this.#size, at);
    this.#bytes.set(bytes, at);
    this.#size = Math.max(this.#size, end);
    this.dirty = true;
  }

  /** Cuts it, or makes it longer with zeroes. */
  resize(size: number): void {
    if (size === 0) {
      this.#bytes = new Uint8Array(0);
      this.#shown = true;
    } else if (size > this.#size) {
      this.#own(size);
      this.#bytes.fill(0, this.#size, size);
    }
    this.#size = size;
    this.dirty = true;
  }

  snapshot(): Uint8Array {
    this.#shown = true;
    this.dirty = false;
    return this.#bytes.subarray(0, this.#size);
  }
}
