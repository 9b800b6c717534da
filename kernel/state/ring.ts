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

/** Bytes of the first piece of a ring, and of the largest ones. */
const FIRST = 1024;
const LARGEST = 4096;

/**
 * An in-memory stream of bytes with absolute offsets; the oldest bytes go when it is full. Its room is made of pieces as
 * it is needed, so that idle rings stay small, and none is moved or left to the collector while it grows: ten thousand
 * workers that began together reach the end of their room in the same second. The pieces are shared memory, which nobody
 * else has: the engine counts all other buffers as a reason to collect, and their growth held the loop for half a second.
 */
export class Ring implements StreamSource {
  readonly capacity: number;
  readonly #pieces: Buffer[] = [];
  /** Bytes of all pieces; nothing has gone while they are fewer than the capacity. */
  #room = 0;
  #base = 0;
  #next = 0;
  #ended = false;
  readonly #waiting = new Set<() => void>();
  /** Called after old bytes were dropped: how many, and the new base. */
  onWrap: ((dropped: number, base: number) => void) | undefined;

  constructor(capacity: number) {
    this.capacity = capacity;
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
    const from = Math.max(0, data.length - this.capacity);
    this.#each(start + from, data.length - from, (piece, at, count, done) => {
      piece.set(count === data.length ? data : data.subarray(from + done, from + done + count), at);
    });
    this.#next += data.length;
    const dropped = this.#next - this.capacity - this.#base;
    if (dropped > 0) {
      this.#base += dropped;
      this.onWrap?.(dropped, this.#base);
    }
    this.#wake();
    return start;
  }

  #grow(wanted: number): void {
    while (this.#room < wanted && this.#room < this.capacity) {
      const size = Math.min(Math.max(FIRST, this.#room), LARGEST, this.capacity - this.#room);
      this.#pieces.push(Buffer.from(new SharedArrayBuffer(size)));
      this.#room += size;
    }
  }

  /** Where the bytes from an absolute offset on lie, piece by piece. */
  #each(
    offset: number,
    length: number,
    act: (piece: Buffer, at: number, count: number, done: number) => void,
  ): void {
    for (let done = 0; done < length; ) {
      const place = (offset + done) % this.capacity;
      const number = pieceOf(place);
      const piece = this.#pieces[number] as Buffer;
      const at = place - startOf(number);
      const count = Math.min(length - done, piece.length - at);
      act(piece, at, count, done);
      done += count;
    }
  }

  read(offset: number, count: number): Uint8Array {
    const from = Math.min(Math.max(offset, this.#base), this.#next);
    const length = Math.min(count, this.#next - from);
    if (length <= 0) return new Uint8Array(0);
    const found = Buffer.allocUnsafeSlow(length);
    this.#each(from, length, (piece, at, some, done) => {
      piece.copy(found, done, at, at + some);
    });
    return found;
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

// Pieces are of 1024, 1024, 2048 and then 4096 bytes each: room doubles until it is one of the largest.
function pieceOf(place: number): number {
  if (place >= LARGEST) return 2 + Math.floor(place / LARGEST);
  if (place < FIRST) return 0;
  return place < 2 * FIRST ? 1 : 2;
}

function startOf(piece: number): number {
  if (piece > 2) return (piece - 2) * LARGEST;
  return piece * FIRST;
}
