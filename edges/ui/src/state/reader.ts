/** Reads under way at a time: a browser has six connections for one origin. */
const atOnce = 6;
/** Reads that may be wanted; with more the page would show what was asked for long ago. */
const mostWanted = 500;

/** Reads things again, each once however often it was asked for, a few at a time. */
export class Reader {
  readonly #read: (key: string) => Promise<void>;
  readonly #wanted = new Set<string>();
  readonly #later = new Set<string>();
  readonly #under = new Set<string>();

  constructor(read: (key: string) => Promise<void>) {
    this.#read = read;
  }

  /** Reads it soon. Of too many the one that waits longest is forgotten: the next event or look asks for it again. */
  want(key: string): void {
    this.#later.delete(key);
    this.#wanted.add(key);
    const oldest = this.#wanted.size > mostWanted ? this.#wanted.values().next().value : undefined;
    if (oldest !== undefined) this.#wanted.delete(oldest);
    this.#next();
  }

  /** Reads it when nothing else is to be read, one after the other. */
  later(key: string): void {
    if (!this.#wanted.has(key)) this.#later.add(key);
    this.#next();
  }

  #next(): void {
    for (const key of this.#wanted) {
      if (this.#under.size >= atOnce) return;
      if (!this.#under.has(key)) this.#begin(key, this.#wanted);
    }
    const [key] = this.#later;
    if (key !== undefined && this.#under.size === 0) this.#begin(key, this.#later);
  }

  #begin(key: string, from: Set<string>): void {
    from.delete(key);
    this.#under.add(key);
    // What cannot be read now may be gone; the next event or listing tells.
    const done = (): void => {
      this.#under.delete(key);
      this.#next();
    };
    this.#read(key).then(done, done);
  }
}
