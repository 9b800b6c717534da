import { createHash } from "node:crypto";

/**
 * The job's random bytes: SHA-256 over "skep:wasm:random:1", the seed and a 64-bit big-endian counter, block after block. The same
 * seed gives the same bytes in the same order, however they are asked for.
 */
export class Chance {
  readonly #given: Uint8Array;
  #seed: Uint8Array | undefined;
  #counter = 0n;
  #block: Uint8Array = new Uint8Array();
  #used = 0;

  constructor(seed: Uint8Array) {
    this.#given = seed;
  }

  fill(target: Uint8Array): void {
    for (let at = 0; at < target.length; ) {
      if (this.#used === this.#block.length) this.#next();
      const part = this.#block.subarray(this.#used, this.#used + target.length - at);
      target.set(part, at);
      this.#used += part.length;
      at += part.length;
    }
  }

  #next(): void {
    const counter = new DataView(new ArrayBuffer(8));
    counter.setBigUint64(0, this.#counter++);
    // Hashed only now: most modules ask for no chance, and the first hash of a process costs it 20 ms.
    this.#seed ??= createHash("sha256").update("skep:wasm:random:1").update(this.#given).digest();
    this.#block = createHash("sha256").update(this.#seed).update(counter).digest();
    this.#used = 0;
  }
}
