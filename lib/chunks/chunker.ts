import { gear } from "./gear.ts";
import { bitsOf, type Sizes, standardSizes } from "./sizes.ts";

/** How much harder a cut is before the average than after it, in bits: the paper's normalisation level 2. */
const normalisation = 2;

interface Rule {
  readonly sizes: Sizes;
  readonly before: number;
  readonly after: number;
}

// The highest bits have seen most bytes: with 32 bits the window is 32 bytes.
const topBits = (count: number): number => (count <= 0 ? 0 : (-1 << (32 - count)) | 0);

function ruleOf(sizes: Sizes): Rule {
  const bits = bitsOf(sizes);
  return { sizes, before: topBits(bits + normalisation), after: topBits(bits - normalisation) };
}

/** Length of the chunk that begins at an offset; all that is left where nothing cuts it. */
function cut(bytes: Uint8Array, from: number, { sizes, before, after }: Rule): number {
  const left = bytes.length - from;
  if (left <= sizes.least) return left;
  const end = from + Math.min(left, sizes.most);
  const middle = Math.min(end, from + sizes.average);
  let print = 0;
  let at = from + sizes.least;
  for (; at < middle; at += 1) {
    print = ((print << 1) + (gear[bytes[at] ?? 0] ?? 0)) | 0;
    if ((print & before) === 0) return at + 1 - from;
  }
  for (; at < end; at += 1) {
    print = ((print << 1) + (gear[bytes[at] ?? 0] ?? 0)) | 0;
    if ((print & after) === 0) return at + 1 - from;
  }
  return end - from;
}

/**
 * Cuts a stream where its content says (FastCDC: gear hash, skipped minimum, normalised masks), so that bytes that were
 * inserted or removed change the chunks about them and no others. Equal bytes give equal chunks, however they are pushed.
 */
export class Chunker {
  readonly #rule: Rule;
  #rest: Uint8Array = new Uint8Array(0);

  /** Throws `chunks.sizes`. */
  constructor(sizes: Sizes = standardSizes) {
    this.#rule = ruleOf(sizes);
  }

  /** Takes more bytes and gives the chunks that no further byte can change. */
  push(bytes: Uint8Array): Uint8Array[] {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const chunks: Uint8Array[] = [];
    let at = 0;
    while (all.length - at >= this.#rule.sizes.most) {
      const length = cut(all, at, this.#rule);
      chunks.push(all.subarray(at, at + length));
      at += length;
    }
    // A copy, of a Buffer too: the caller may fill its own anew.
    this.#rest = new Uint8Array(all.subarray(at));
    return chunks;
  }

  /** Gives the rest; the chunker is as new afterwards. */
  end(): Uint8Array[] {
    const rest = this.#rest;
    this.#rest = new Uint8Array(0);
    const chunks: Uint8Array[] = [];
    for (let at = 0; at < rest.length; at += chunks.at(-1)?.length ?? 0)
      chunks.push(rest.subarray(at, at + cut(rest, at, this.#rule)));
    return chunks;
  }
}

/** Chunks of bytes that are in memory. Throws `chunks.sizes`. */
export function split(bytes: Uint8Array, sizes: Sizes = standardSizes): Uint8Array[] {
  const chunker = new Chunker(sizes);
  return [...chunker.push(bytes), ...chunker.end()];
}
