import { type FileHandle, open, unlink } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";

/** Bytes that one reading of a connection gives at most. */
const slotBytes = 65_536;
/** A body of so few bytes costs less where it is than a way to the file and back. */
const small = 2048;

/** Bytes that are set aside. */
export interface Held {
  /** Gives them, once. */
  back(): Promise<Buffer>;
  /** Forgets them where they were not given yet. */
  drop(): void;
}

const inMemory = (part: Buffer): Held => ({ back: async () => part, drop: () => undefined });

/** Gives the memory of a part back that was read of a connection, instead of leaving it to the collector. */
export function release(part: Buffer): void {
  const { buffer, byteOffset, length } = part;
  const isAlone = buffer instanceof ArrayBuffer && byteOffset === 0 && buffer.byteLength === length;
  if (isAlone) buffer.transfer(0);
}

/**
 * What has come of bodies that wait for their turn: with the head of a request up to 64 KiB of its body are read, and a
 * thousand that wait would hold 64 MB. They lie in one file that has no name any more, and goes with the process.
 */
export class Spool implements AsyncDisposable {
  readonly #path: string;
  #file: Promise<FileHandle> | undefined;
  readonly #free: number[] = [];
  #slots = 0;
  /** Bodies whose beginning is in the file. */
  held = 0;

  constructor(dir: string) {
    this.#path = join(dir, "http.spool");
  }

  /** Sets aside what has come of a body, and lets the rest wait with its sender. Undefined where nothing has come. */
  async hold(body: IncomingMessage): Promise<Held | undefined> {
    const part = body.read() as Buffer | null;
    // Reading asked for more, which begins after this tick.
    await new Promise<void>((resolve) => process.nextTick(resolve));
    body.socket.pause();
    if (part === null) return undefined;
    if (part.length > slotBytes || part.length <= small) return inMemory(part);
    return this.#put(part);
  }

  async #put(part: Buffer): Promise<Held> {
    const { length } = part;
    const slot = this.#free.pop() ?? this.#slots++;
    this.held += 1;
    try {
      const file = await this.#opened();
      await file.write(part, 0, length, slot * slotBytes);
    } catch {
      // A disk that takes nothing refuses the upload later, and says so then.
      this.#leave(slot);
      return inMemory(part);
    }
    release(part);
    let isThere = true;
    const leave = (): void => {
      if (isThere) this.#leave(slot);
      isThere = false;
    };
    return {
      drop: leave,
      back: async () => {
        const bytes = Buffer.allocUnsafeSlow(length);
        try {
          const { bytesRead } = await (await this.#opened()).read(bytes, 0, length, slot * slotBytes);
          if (bytesRead < length) throw new Error(`Cannot read the spool: ${bytesRead} bytes of ${length}`);
          return bytes;
        } finally {
          leave();
        }
      },
    };
  }

  #opened(): Promise<FileHandle> {
    this.#file ??= (async () => {
      const file = await open(this.#path, "w+", 0o600);
      await unlink(this.#path);
      return file;
    })();
    return this.#file;
  }

  #leave(slot: number): void {
    this.held -= 1;
    this.#free.push(slot);
    if (this.held > 0) return;
    this.#free.length = 0;
    this.#slots = 0;
    // Nobody waits: the disk gets its room back.
    const file = this.#file;
    this.#file = undefined;
    file?.then((one) => one.close()).catch(() => undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#file?.catch(() => undefined))?.close();
    this.#file = undefined;
  }
}
