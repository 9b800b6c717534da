import { close, constants, open, read } from "node:fs";
import { promisify } from "node:util";

// Descriptors rather than FileHandles: a forgotten FileHandle is closed by the garbage collector with a warning.
const openFile = promisify(open);
const readFile = promisify(read);
const closeFile = promisify(close);

interface Held {
  readonly file: Promise<number>;
  users: number;
  forgotten: boolean;
}

/** Read descriptors that stay open between reads, the most recent ones only. */
export class OpenReads {
  readonly #held = new Map<string, Held>();
  readonly #most: number;

  constructor(most = 32) {
    this.#most = most;
  }

  /** Runs `act` with a descriptor of the file, which stays open while anybody uses it. */
  async use<T>(path: string, act: (file: number) => Promise<T>): Promise<T> {
    const held = this.#held.get(path) ?? {
      file: openFile(path, constants.O_RDONLY | constants.O_NOFOLLOW),
      users: 0,
      forgotten: false,
    };
    this.#held.delete(path);
    this.#held.set(path, held);
    held.users += 1;
    try {
      return await act(await held.file);
    } catch (error) {
      this.#drop(path, held);
      throw error;
    } finally {
      held.users -= 1;
      if (held.forgotten && held.users === 0) await this.#close(held);
      await this.#trim();
    }
  }

  /** To be called when the path begins to mean another file, or none. */
  async forget(path: string): Promise<void> {
    const held = this.#held.get(path);
    if (!held) return;
    this.#drop(path, held);
    if (held.users === 0) await this.#close(held);
  }

  #drop(path: string, held: Held): void {
    held.forgotten = true;
    if (this.#held.get(path) === held) this.#held.delete(path);
  }

  async #trim(): Promise<void> {
    for (const [path, held] of this.#held) {
      if (this.#held.size <= this.#most) return;
      if (held.users === 0) {
        this.#held.delete(path);
        await this.#close(held);
      }
    }
  }

  async #close(held: Held): Promise<void> {
    const file = await held.file.catch(() => undefined);
    if (file !== undefined) await closeFile(file);
  }
}

/** Reads up to `length` bytes from an offset, into memory that is given where they fit; fewer only at the end of the file. */
export async function readFully(
  file: number,
  offset: number,
  length: number,
  into?: Uint8Array,
): Promise<Uint8Array> {
  const bytes = into && into.length >= length ? into : Buffer.allocUnsafeSlow(length);
  let at = 0;
  while (at < length) {
    const { bytesRead } = await readFile(file, bytes, at, length - at, offset + at);
    if (bytesRead === 0) break;
    at += bytesRead;
  }
  return bytes.subarray(0, at);
}
