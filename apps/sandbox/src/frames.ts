/** Frames between the pool and a runner: kind u8, length u32 LE, payload. Both sides bound the length of each kind. */
export const frame = {
  /** Parent to runner: check and instrument these bytes. */
  admit: 1,
  /** Parent to runner: 32 bytes of digest, then instrumented bytes to compile and keep. */
  module: 2,
  /** Parent to runner: a JSON header; starts a job. */
  run: 3,
  /** Parent to runner: bytes of standard input. */
  data: 4,
  /** Parent to runner: standard input has ended. */
  end: 5,
  /** Parent to runner: what the checkpoint of the job that follows holds at its start. */
  kept: 6,
  /** Runner to parent: waits for work. */
  ready: 16,
  /** Runner to parent: u32 LE length of a JSON report, the report, the instrumented bytes. */
  admitted: 17,
  /** Runner to parent: a JSON fault. */
  refused: 18,
  stdout: 19,
  stderr: 20,
  /** Runner to parent: one more frame of standard input, please. */
  want: 21,
  /** Runner to parent: a JSON outcome. */
  result: 22,
  /** Runner to parent: what the checkpoint of the job holds now, all of it. */
  checkpoint: 23,
} as const;

/** Longest payload of an output or input frame. */
export const chunkBytes = 65_536;
/** Frames of standard input that may be under way unasked. */
export const stdinCredit = 2;
/** Longest JSON payload of a frame. */
export const jsonBytes = 1024 * 1024;
export const headBytes = 5;

/** Head and payload as one buffer where that is cheap, else as two. */
export function encode(kind: number, payload: Uint8Array): Uint8Array[] {
  const head = Buffer.allocUnsafe(headBytes);
  head[0] = kind;
  head.writeUInt32LE(payload.length, 1);
  return payload.length < 4096 ? [Buffer.concat([head, payload])] : [head, payload];
}

export interface Frame {
  readonly kind: number;
  readonly payload: Buffer;
}

/** Cuts a byte stream into frames, holding at most one unfinished frame. */
export class FrameCutter {
  readonly #most: (kind: number) => number;
  #parts: Buffer[] = [];
  #held = 0;

  /** `most` gives the longest payload for a kind; a negative number refuses the kind. */
  constructor(most: (kind: number) => number) {
    this.#most = most;
  }

  push(bytes: Buffer): void {
    this.#parts.push(bytes);
    this.#held += bytes.length;
  }

  #take(count: number): Buffer {
    const first = this.#parts[0];
    if (first && first.length >= count) {
      if (first.length === count) this.#parts.shift();
      else this.#parts[0] = first.subarray(count);
      this.#held -= count;
      return first.subarray(0, count);
    }
    const all = Buffer.concat(this.#parts);
    this.#parts = all.length > count ? [all.subarray(count)] : [];
    this.#held -= count;
    return all.subarray(0, count);
  }

  #joined(count: number): Buffer {
    const first = this.#parts[0];
    if (first && first.length >= count) return first;
    this.#parts = [Buffer.concat(this.#parts)];
    return this.#parts[0] ?? Buffer.alloc(0);
  }

  /** The next whole frame, or undefined until more bytes come; throws on a frame that breaks the rules. */
  next(): Frame | undefined {
    if (this.#held < headBytes) return undefined;
    const head = this.#joined(headBytes);
    const kind = head[0] ?? 0;
    const length = head.readUInt32LE(1);
    if (length > this.#most(kind)) throw new Error(`frame of kind ${kind} with ${length} bytes`);
    if (this.#held < headBytes + length) return undefined;
    this.#take(headBytes);
    return { kind, payload: length ? this.#take(length) : Buffer.alloc(0) };
  }
}
