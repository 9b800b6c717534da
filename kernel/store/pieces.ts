/** What came of a file so far, kept between appends of one session: on the console each append opens the file anew. */
export class Pieces {
  readonly #most: number;
  readonly #kept = new Map<string, Buffer>();
  #bytes = 0;

  /** Keeps so many bytes altogether; what nobody went on with longest is forgotten first. */
  constructor(most: number) {
    this.#most = most;
  }

  /** All bytes of a key so far, these at their end. */
  add(key: string, bytes: Uint8Array): Buffer {
    const all = Buffer.concat([this.#kept.get(key) ?? Buffer.alloc(0), bytes]);
    this.drop(key);
    this.#kept.set(key, all);
    this.#bytes += all.length;
    for (const [oldest] of this.#kept) {
      if (this.#bytes <= this.#most || oldest === key) break;
      this.drop(oldest);
    }
    return all;
  }

  /** Bytes of a key so far. */
  size(key: string): number {
    return this.#kept.get(key)?.length ?? 0;
  }

  drop(key: string): void {
    this.#bytes -= this.#kept.get(key)?.length ?? 0;
    this.#kept.delete(key);
  }
}
