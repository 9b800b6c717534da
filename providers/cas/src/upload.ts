import { faults } from "@skep/fault";
import type { BlobHandle, Blobs } from "@skep/kernel";

type Upload = ReturnType<Blobs["upload"]>;

const fault = faults("cas", {
  absent: ["absent", "Cannot read a blob that is not complete", { detail: "invalid-path" }],
  complete: ["conflict", "Cannot append to a blob that is complete"],
});

/**
 * Keeps uploads and removals of one digest apart: bytes that somebody stores while an older copy of them goes must not go
 * with it.
 */
export class Turns {
  readonly #uploads = new Map<string, number>();
  readonly #removals = new Map<string, Promise<void>>();
  readonly #waiting = new Map<string, (() => void)[]>();

  begin(digest: string): Promise<void> | undefined {
    this.#uploads.set(digest, (this.#uploads.get(digest) ?? 0) + 1);
    return this.#removals.get(digest);
  }

  end(digest: string): void {
    const left = (this.#uploads.get(digest) ?? 1) - 1;
    if (left > 0) this.#uploads.set(digest, left);
    else {
      this.#uploads.delete(digest);
      for (const act of this.#waiting.get(digest) ?? []) act();
      this.#waiting.delete(digest);
    }
  }

  /** Runs a removal when no upload of that digest is open; one that begins meanwhile waits for it. */
  async remove(digest: string, signal: AbortSignal, act: () => Promise<void>): Promise<void> {
    while (this.#uploads.has(digest)) {
      signal.throwIfAborted();
      await new Promise<void>((resolve) => {
        signal.addEventListener("abort", () => resolve(), { once: true });
        this.#waiting.set(digest, [...(this.#waiting.get(digest) ?? []), resolve]);
      });
    }
    const done = act();
    this.#removals.set(
      digest,
      done.catch(() => undefined),
    );
    try {
      await done;
    } finally {
      this.#removals.delete(digest);
    }
  }
}

/** What an upload knows about the digest that it was opened for. */
export interface Uploaded {
  readonly digest: string;
  /** Size where it is complete and open to the caller. */
  readonly known: number | undefined;
  /** Whether the caller stored it before. */
  readonly owned: boolean;
}

/** A blob that was opened: read where it is complete, appended where it is not. */
export class Uploading implements BlobHandle {
  readonly #blobs: Blobs;
  readonly #turns: Turns;
  readonly #of: Uploaded;
  #upload: Upload | undefined;
  #begun: Promise<Upload> | undefined;
  #size = 0;

  constructor(blobs: Blobs, turns: Turns, of: Uploaded) {
    this.#blobs = blobs;
    this.#turns = turns;
    this.#of = of;
  }

  get size(): number {
    return this.#upload ? this.#size : (this.#of.known ?? 0);
  }

  read(offset: number, count: number, into?: Uint8Array): Promise<Uint8Array> {
    if (this.#of.known === undefined) throw fault.absent(this.#of.digest);
    return this.#blobs.read(this.#of.digest, offset, count, into);
  }

  async append(bytes: Uint8Array): Promise<boolean> {
    this.#begun ??= this.#begin();
    const complete = await (await this.#begun).append(bytes);
    this.#size += bytes.length;
    return complete;
  }

  async #begin(): Promise<Upload> {
    const { digest, owned } = this.#of;
    // Whoever has not stored these bytes proves to have them by sending them, although they are here. Whoever has may
    // send them again where the disk lost them.
    if (owned && (await this.#blobs.size(digest)) !== undefined) throw fault.complete(digest);
    const removal = this.#turns.begin(digest);
    this.#upload = this.#blobs.upload(digest);
    await removal;
    return this.#upload;
  }

  async close(): Promise<void> {
    await this.#begun?.catch(() => undefined);
    const upload = this.#upload;
    if (!upload) return;
    this.#upload = undefined;
    await upload.close();
    this.#turns.end(this.#of.digest);
  }
}
