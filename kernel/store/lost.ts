import type { Blobs } from "./blobs.ts";

const atOnce = 16;

/**
 * What state says is in the blob store, and the disk has not: for whoever keeps sets of chunks. A set that was whole once is
 * not looked at again until the next start, unless it is doubted.
 */
export class Lost {
  readonly #blobs: Blobs;
  readonly #whole = new Set<string>();

  constructor(blobs: Blobs) {
    this.#blobs = blobs;
  }

  /** Whether a blob of this length is not there. */
  async has(digest: string, bytes: number): Promise<boolean> {
    return (await this.#blobs.size(digest)) !== bytes;
  }

  /** Those of a set, given with their lengths, that are not there. */
  async of(set: string, named: ReadonlyMap<string, number>): Promise<readonly string[]> {
    if (this.#whole.has(set)) return [];
    const all = [...named];
    const lost: string[] = [];
    for (let at = 0; at < all.length; at += atOnce) {
      const some = all.slice(at, at + atOnce);
      const are = await Promise.all(some.map(([digest, bytes]) => this.has(digest, bytes)));
      lost.push(...some.filter((_, index) => are[index]).map(([digest]) => digest));
    }
    if (lost.length === 0) this.#whole.add(set);
    return lost;
  }

  /** A set is looked at again: it was read and something was not there, or it is let go. */
  doubt(set: string): void {
    this.#whole.delete(set);
  }
}
