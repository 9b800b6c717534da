import type { FileHandle } from "node:fs/promises";
import { type AppendFile, storeFault } from "@skep/kernel";
import { asFault } from "./paths.ts";

/** The part of a FileHandle that appending needs. */
export type Handle = Pick<FileHandle, "writev" | "datasync" | "close">;

// Below this one copy costs less than many small vectors.
const copyBelow = 256 * 1024;

/** Writes all parts at the place where the handle stands, however few bytes the system takes at a time. */
export async function writeAll(handle: Pick<FileHandle, "writev">, parts: readonly Uint8Array[]) {
  let rest = parts.filter((part) => part.length > 0);
  while (rest.length > 0) {
    let { bytesWritten } = await handle.writev(rest);
    if (bytesWritten === 0) throw new Error("the system wrote no byte");
    let at = 0;
    for (let part = rest[at]; part && bytesWritten >= part.length; part = rest[at]) {
      bytesWritten -= part.length;
      at += 1;
    }
    const cut = rest[at]?.subarray(bytesWritten);
    rest = cut ? [cut, ...rest.slice(at + 1)] : [];
  }
}

function gathered(parts: readonly Uint8Array[]): readonly Uint8Array[] {
  if (parts.length < 3) return parts;
  let size = 0;
  for (const part of parts) size += part.length;
  return size < copyBelow ? [Buffer.concat(parts, size)] : parts;
}

/** Appends through a handle opened with O_APPEND; after a failure nothing is written or synced any more. */
export class DiskAppend implements AppendFile {
  readonly #handle: Handle;
  readonly #name: string;
  #busy = false;
  #state: "open" | "broken" | "closed" = "open";

  constructor(handle: Handle, name: string) {
    this.#handle = handle;
    this.#name = name;
  }

  append(parts: readonly Uint8Array[]): Promise<void> {
    return this.#alone(() => writeAll(this.#handle, gathered(parts)));
  }

  sync(): Promise<void> {
    return this.#alone(() => this.#handle.datasync());
  }

  async #alone(act: () => Promise<void>): Promise<void> {
    if (this.#state === "broken") throw storeFault.broken(this.#name);
    if (this.#state === "closed") throw storeFault.closed(this.#name);
    if (this.#busy) throw storeFault.overlap(this.#name);
    this.#busy = true;
    try {
      await act();
    } catch (error) {
      this.#state = "broken";
      throw asFault(error, this.#name);
    } finally {
      this.#busy = false;
    }
  }

  async close(): Promise<void> {
    if (this.#state === "closed") return;
    this.#state = "closed";
    await this.#handle.close();
  }
}
