/** A value, or the promise of one; what answers at once costs no promise. */
export type Awaitable<T> = T | Promise<T>;

/** Bytes with absolute offsets that only grow at their end and may lose their beginning. */
export interface StreamSource {
  readonly base: number;
  readonly next: number;
  /** Bytes from an absolute offset, clamped to what is kept; empty at the end. */
  read(offset: number, count: number): Awaitable<Uint8Array>;
  /** Calls once when `next` has grown or the stream ended. */
  wait(act: () => void): { stop(): void };
  /** True when nothing will be appended any more. */
  readonly ended?: boolean;
}

/** An in-memory stream of bytes with absolute offsets; the oldest bytes go when it is full. */
export class Ring implements StreamSource {
  #bytes: Buffer;
  readonly capacity: number;
  #base = 0;
  #next = 0;
  #ended = false;
  readonly #waiting = new Set<() => void>();
  /** Called after old bytes were dropped: how many, and the new base. */
  onWrap: ((dropped: number, base: number) => void) | undefined;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.#bytes = Buffer.allocUnsafeSlow(Math.min(capacity, 1024));
  }

  get base(): number {
    return this.#base;
  }

  get next(): number {
    return this.#next;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Appends; of more than the capacity only the end is kept. Returns the offset of its first byte. */
  append(data: Uint8Array): number {
    const start = this.#next;
    this.#grow(start - this.#base + data.length);
    const kept = data.length > this.#bytes.length ? data.subarray(data.length - this.#bytes.length) : data;
    let at = (this.#next + data.length - kept.length) % this.#bytes.length;
    const head = kept.subarray(0, this.#bytes.length - at);
    this.#bytes.set(head, at);
    at = (at + head.length) % this.#bytes.length;
    if (head.length < kept.length) this.#bytes.set(kept.subarray(head.length), at);
    this.#next += data.length;
    const dropped = this.#next - this.#bytes.length - this.#base;
    if (dropped > 0) {
      this.#base += dropped;
      this.onWrap?.(dropped, this.#base);
    }
    this.#wake();
    return start;
  }

  // Idle rings stay small: room doubles until the capacity is reached.
  #grow(wanted: number): void {
    if (wanted <= this.#bytes.length || this.#bytes.length === this.capacity) return;
    let size = this.#bytes.length;
    while (size < wanted && size < this.capacity) size *= 2;
    const kept = this.read(this.#base, this.#next - this.#base);
    this.#bytes = Buffer.allocUnsafeSlow(Math.min(size, this.capacity));
    const at = this.#base % this.#bytes.length;
    const head = kept.subarray(0, this.#bytes.length - at);
    this.#bytes.set(head, at);
    this.#bytes.set(kept.subarray(head.length), 0);
  }

  read(offset: number, count: number): Uint8Array {
    const from = Math.min(Math.max(offset, this.#base), this.#next);
    const length = Math.min(count, this.#next - from);
    if (length <= 0) return new Uint8Array(0);
    const at = from % this.#bytes.length;
    const head = this.#bytes.subarray(at, Math.min(at + length, this.#bytes.length));
    if (head.length === length) return Uint8Array.prototype.slice.call(head);
    return Buffer.concat([head, this.#bytes.subarray(0, length - head.length)]);
  }

  wait(act: () => void): { stop(): void } {
    this.#waiting.add(act);
    return { stop: () => this.#waiting.delete(act) };
  }

  /** Nothing will be appended any more; waiting readers see the end. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  #wake(): void {
    if (this.#waiting.size === 0) return;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const act of waiting) act();
  }
}
