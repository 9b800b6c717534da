import { fault } from "./faults.ts";

/** What is open, by the number that the kernel was told. */
export class Handles<T extends { release(): void }> {
  readonly #open = new Map<number, T>();
  #next = 1;

  add(handle: T): number {
    const fh = this.#next++;
    this.#open.set(fh, handle);
    return fh;
  }

  /** Throws `fuse.handle`. */
  get(fh: number): T {
    const handle = this.#open.get(fh);
    if (!handle) throw fault.handle(fh);
    return handle;
  }

  release(fh: number): void {
    const handle = this.#open.get(fh);
    this.#open.delete(fh);
    handle?.release();
  }

  releaseAll(): void {
    for (const fh of [...this.#open.keys()]) this.release(fh);
  }
}
