import type { Attr } from "./answers.ts";
import type { Channel, DirHandle, Filesystem, Handle } from "./filesystem.ts";
import { opcodeOf, type OpName } from "./requests.ts";
import { fault } from "./faults.ts";

/** One answer as the kernel would see it. */
export interface Answered {
  /** Positive; 0 is success. */
  readonly errno: number;
  readonly data: Buffer;
}

/** The other side of a channel: sends requests of any form and hears their answers. */
export class SampleKernel implements Channel {
  /** Answers that are taken back as the kernel does when whoever asked is gone. */
  readonly unwanted = new Set<bigint>();
  readonly #requests: Buffer[] = [];
  readonly #waiting = new Map<bigint, (answered: Answered) => void>();
  #wake: (() => void) | undefined;
  #over = false;
  #unique = 0n;

  async read(): Promise<Uint8Array | undefined> {
    while (this.#requests.length === 0 && !this.#over)
      await new Promise<void>((done) => {
        this.#wake = done;
      });
    return this.#requests.shift();
  }

  write(...parts: readonly Uint8Array[]): boolean {
    const bytes = Buffer.concat(parts);
    if (bytes.readUInt32LE(0) !== bytes.length) throw new Error("The length of an answer is wrong");
    const unique = bytes.readBigUInt64LE(8);
    const waiting = this.#waiting.get(unique);
    if (!waiting) throw new Error(`An answer to ${unique}, which asked nothing`);
    this.#waiting.delete(unique);
    waiting({ errno: Math.abs(bytes.readInt32LE(4)), data: bytes.subarray(16) });
    return !this.unwanted.has(unique);
  }

  /** Number of the next request that is sent. */
  get next(): bigint {
    return this.#unique + 2n;
  }

  /** Sends bytes as they are. */
  raw(bytes: Uint8Array): void {
    this.#requests.push(Buffer.from(bytes));
    this.#wake?.();
  }

  /** Sends a request; resolves with its answer. Some have none. */
  ask(op: OpName | number, nodeid: number, body: Uint8Array = Buffer.alloc(0)): Promise<Answered> {
    this.#unique += 2n;
    const answered = new Promise<Answered>((done) => this.#waiting.set(this.#unique, done));
    this.raw(request(typeof op === "number" ? op : opcodeOf(op), this.#unique, nodeid, body));
    return answered;
  }

  unmount(): void {
    this.#over = true;
    this.#wake?.();
  }
}

/** A whole request. */
export function request(opcode: number, unique: bigint, nodeid: number, body: Uint8Array): Buffer {
  const head = Buffer.alloc(40);
  head.writeUInt32LE(40 + body.length, 0);
  head.writeUInt32LE(opcode, 4);
  head.writeBigUInt64LE(unique, 8);
  head.writeBigUInt64LE(BigInt(nodeid), 16);
  head.writeUInt32LE(1000, 24);
  head.writeUInt32LE(100, 28);
  head.writeUInt32LE(4711, 32);
  return Buffer.concat([head, body]);
}

/** Fields one after the other: numbers are 32 bits, bigints 64, texts names with their zero. */
export function fields(...values: readonly (number | bigint | string | Uint8Array)[]): Buffer {
  return Buffer.concat(
    values.map((value) => {
      if (typeof value === "string") return Buffer.from(`${value}\0`);
      if (typeof value === "number") return Buffer.from(Uint32Array.of(value).buffer);
      if (typeof value === "bigint") return Buffer.from(BigUint64Array.of(value).buffer);
      return value;
    }),
  );
}

/** INIT of Linux 5.4, with all that it offers. */
export const init = fields(7, 31, 131_072, 0xffff_ffff);

const modeOf = (text: string | undefined): number => (text === undefined ? 0o040500 : 0o100600);

/** Texts by their paths in one directory, of which `slow` waits until it is interrupted. */
export class SampleFiles implements Filesystem {
  readonly texts = new Map<string, string>([["/hello", "world\n"]]);
  readonly released: string[] = [];
  readonly statfs = async () => ({
    bsize: 1,
    blocks: 2,
    bfree: 3,
    bavail: 4,
    files: 5,
    ffree: 6,
    namelen: 255,
  });

  #find(path: string): string | undefined {
    const text = this.texts.get(path);
    if (text === undefined && path !== "/") throw fault.absent(path);
    return text;
  }

  async getattr(path: string): Promise<Attr> {
    if (path === "/broken") throw new Error("a bug");
    const text = this.#find(path);
    const times = { atime: 1000, mtime: 2500, ctime: 0 };
    const of = { ino: path.length, size: text?.length ?? 0, mode: modeOf(text), nlink: 1, uid: 1, gid: 2 };
    return { ...of, blksize: 4096, ...times };
  }

  async setattr(path: string): Promise<void> {
    this.#find(path);
  }

  async open(path: string): Promise<Handle> {
    this.#find(path);
    return {
      getattr: () => this.getattr(path),
      read: async (offset, size, { signal }) => {
        if (path !== "/slow") return [Buffer.from(this.#find(path) ?? "").subarray(offset, offset + size)];
        return await new Promise((_, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason), { once: true });
        });
      },
      write: async (_, data) => {
        this.texts.set(path, String(data));
        return data.length;
      },
      fsync: async () => undefined,
      release: () => this.released.push(path),
    };
  }

  async opendir(path: string): Promise<DirHandle> {
    const all = [...this.texts.keys()].map((name, at) => ({
      ino: at,
      offset: at + 1,
      type: 8,
      name: name.slice(1),
    }));
    return {
      entries: async (offset) => all.slice(Number(offset)),
      release: () => this.released.push(path),
    };
  }
}
