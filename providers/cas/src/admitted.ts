import { faults } from "@skep/fault";
import type { Awaitable, BlobHandle } from "@skep/kernel";

const fault = faults("cas", {
  long: ["oversize", "Cannot take a blob that is larger than the limit"],
});

/** An upload of at most so many bytes, whose file goes again when the hive does not accept it. */
export class Admitted implements BlobHandle {
  readonly #upload: BlobHandle;
  readonly #most: number;
  readonly #remove: () => void;
  #asked = 0;
  #refused = false;

  /** `remove` takes bytes away that are nobody's. */
  constructor(upload: BlobHandle, most: number, remove: () => void) {
    this.#upload = upload;
    this.#most = most;
    this.#remove = remove;
  }

  get size(): number {
    return this.#upload.size;
  }

  read(offset: number, count: number, into?: Uint8Array): Awaitable<Uint8Array> {
    return this.#upload.read(offset, count, into);
  }

  append(bytes: Uint8Array): Awaitable<boolean> {
    if (this.#asked + bytes.length > this.#most) throw fault.long(`over ${this.#most} bytes`);
    this.#asked += bytes.length;
    return this.#upload.append(bytes);
  }

  refused(): void {
    this.#refused = true;
  }

  async close(): Promise<void> {
    await this.#upload.close();
    if (this.#refused) this.#remove();
  }
}
