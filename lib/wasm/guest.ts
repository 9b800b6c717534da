/** WASI errno numbers that this host answers. */
export const errno = {
  success: 0,
  badf: 8,
  exist: 20,
  fault: 21,
  fbig: 22,
  ilseq: 25,
  inval: 28,
  isdir: 31,
  mfile: 33,
  nametoolong: 37,
  noent: 44,
  nospc: 51,
  nosys: 52,
  notdir: 54,
  notsock: 57,
  spipe: 70,
  notcapable: 76,
} as const;

/** Ends one host call with an errno; it never leaves the host. */
export class Refusal {
  readonly errno: number;

  constructor(number: number) {
    this.errno = number;
  }
}

/** The module's memory as the host sees it: every access is checked, and one outside is EFAULT. */
export class Guest {
  readonly #memory: WebAssembly.Memory | undefined;
  #view = new DataView(new ArrayBuffer(0));

  constructor(memory: WebAssembly.Memory | undefined) {
    this.#memory = memory;
  }

  /** Bytes that its memory has now. */
  get size(): number {
    return this.#memory?.buffer.byteLength ?? 0;
  }

  /** The memory's view; growing it makes the former one empty. */
  #current(): DataView {
    const buffer = this.#memory?.buffer;
    if (buffer && this.#view.buffer !== buffer) this.#view = new DataView(buffer);
    return this.#view;
  }

  /** A place of `length` bytes, or EFAULT. Pointers arrive as signed numbers. */
  place(pointer: number, length: number): number {
    const at = pointer >>> 0;
    if (at + length > this.size) throw new Refusal(errno.fault);
    return at;
  }

  /** The bytes themselves, not a copy. */
  bytes(pointer: number, length: number): Uint8Array {
    const at = this.place(pointer, length);
    return new Uint8Array(this.#current().buffer, at, length);
  }

  getU32(pointer: number): number {
    const at = this.place(pointer, 4);
    return this.#current().getUint32(at, true);
  }

  setU32(pointer: number, value: number): void {
    const at = this.place(pointer, 4);
    this.#current().setUint32(at, value, true);
  }

  getU64(pointer: number): bigint {
    const at = this.place(pointer, 8);
    return this.#current().getBigUint64(at, true);
  }

  setU64(pointer: number, value: bigint): void {
    const at = this.place(pointer, 8);
    this.#current().setBigUint64(at, value, true);
  }
}
