import { createHash, type Hash } from "node:crypto";
import { mkdirSync, readdirSync, unlinkSync } from "node:fs";
import { type FileHandle, open, opendir, readdir, rename, stat, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Blobs, blobFault, type Upload } from "@skep/kernel";
import { writeAll } from "./append.ts";
import { OpenReads, readFully } from "./open-reads.ts";
import { asFault, isErrno, makeDir, syncDir } from "./paths.ts";

const digestShape = /^[0-9a-f]{64}$/;
const checkSize = 1024 * 1024;

/** A blob store that `fsck` can examine. */
export interface BlobStore extends Blobs {
  /** Reads a blob whole and compares it with its digest. */
  check(digest: string): Promise<"whole" | "damaged" | "absent">;
}

function checked(digest: string): string {
  if (!digestShape.test(digest)) throw blobFault.digest(digest);
  return digest;
}

/** One upload: bytes go to a temporary file, and under the digest's name when they have the digest. */
class DiskUpload implements Upload {
  readonly #digest: string;
  readonly #temporary: string;
  readonly #final: string;
  readonly #done: () => Promise<void>;
  readonly #hash: Hash = createHash("sha256");
  #handle: FileHandle | undefined;
  #tail: Promise<unknown> = Promise.resolve();
  #size = 0;
  #state: "open" | "complete" | "closed" = "open";

  constructor(digest: string, temporary: string, final: string, done: () => Promise<void>) {
    this.#digest = digest;
    this.#temporary = temporary;
    this.#final = final;
    this.#done = done;
  }

  get size(): number {
    return this.#size;
  }

  append(bytes: Uint8Array): Promise<boolean> {
    return this.#next(() => this.#append(bytes));
  }

  // Appends run one after the other however they are called.
  #next<T>(act: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(act);
    this.#tail = result.catch(() => undefined);
    return result;
  }

  async #append(bytes: Uint8Array): Promise<boolean> {
    if (this.#state === "closed") throw blobFault.closed(this.#digest);
    if (this.#state === "complete") throw blobFault.complete(this.#digest);
    try {
      this.#handle ??= await open(this.#temporary, "wx", 0o600);
      await writeAll(this.#handle, [bytes]);
      this.#hash.update(bytes);
      this.#size += bytes.length;
      if (this.#hash.copy().digest("hex") !== this.#digest) return false;
      await this.#finish(this.#handle);
      return true;
    } catch (error) {
      await this.#drop();
      throw asFault(error, this.#digest);
    }
  }

  async #finish(handle: FileHandle): Promise<void> {
    await handle.sync();
    await handle.close();
    this.#handle = undefined;
    await makeDir(dirname(this.#final));
    await rename(this.#temporary, this.#final);
    await syncDir(dirname(this.#final));
    this.#state = "complete";
    await this.#done();
  }

  async #drop(): Promise<void> {
    this.#state = "closed";
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close().catch(() => undefined);
    await unlink(this.#temporary).catch(() => undefined);
  }

  close(): Promise<void> {
    return this.#next(async () => {
      if (this.#state === "open") await this.#drop();
    });
  }
}

class DiskBlobs implements BlobStore {
  readonly #dir: string;
  readonly #incoming: string;
  readonly #reads = new OpenReads();
  #uploads = 0;

  constructor(dir: string, toRead: boolean) {
    this.#dir = dir;
    this.#incoming = join(dir, "incoming");
    if (toRead) return;
    mkdirSync(this.#incoming, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(this.#incoming)) unlinkSync(join(this.#incoming, name));
  }

  #path(digest: string): string {
    return join(this.#dir, checked(digest).slice(0, 2), digest.slice(2, 4), digest);
  }

  async size(digest: string): Promise<number | undefined> {
    const path = this.#path(digest);
    try {
      return (await stat(path)).size;
    } catch (error) {
      if (isErrno(error, "ENOENT")) return undefined;
      throw asFault(error, digest);
    }
  }

  async read(digest: string, offset: number, length: number, into?: Uint8Array): Promise<Uint8Array> {
    const path = this.#path(digest);
    try {
      return await this.#reads.use(path, (file) => readFully(file, offset, length, into));
    } catch (error) {
      throw isErrno(error, "ENOENT") ? blobFault.absent(digest) : asFault(error, digest);
    }
  }

  upload(digest: string): Upload {
    const path = this.#path(digest);
    this.#uploads += 1;
    const temporary = join(this.#incoming, `${digest}.${this.#uploads}`);
    return new DiskUpload(digest, temporary, path, () => this.#reads.forget(path));
  }

  // Written again although it may be there: a damaged copy heals, and the new time keeps it from being collected.
  async put(bytes: Uint8Array): Promise<string> {
    const digest = createHash("sha256").update(bytes).digest("hex");
    await this.upload(digest).append(bytes);
    return digest;
  }

  async remove(digest: string): Promise<void> {
    const path = this.#path(digest);
    try {
      await unlink(path);
      await this.#reads.forget(path);
      await syncDir(dirname(path));
    } catch (error) {
      if (!isErrno(error, "ENOENT")) throw asFault(error, digest);
    }
  }

  async *list(): AsyncGenerator<{ digest: string; size: number; time: number }> {
    for (const outer of await readdir(this.#dir))
      if (/^[0-9a-f]{2}$/.test(outer))
        for (const inner of await readdir(join(this.#dir, outer)))
          yield* this.#listIn(join(this.#dir, outer, inner));
  }

  async *#listIn(dir: string): AsyncGenerator<{ digest: string; size: number; time: number }> {
    for await (const { name } of await opendir(dir)) {
      const found = digestShape.test(name) ? await stat(join(dir, name)).catch(() => undefined) : undefined;
      if (found) yield { digest: name, size: found.size, time: Math.floor(found.mtimeMs) };
    }
  }

  async check(digest: string): Promise<"whole" | "damaged" | "absent"> {
    if ((await this.size(digest)) === undefined) return "absent";
    const hash = createHash("sha256");
    for (let at = 0; ; ) {
      const bytes = await this.read(digest, at, checkSize);
      hash.update(bytes);
      at += bytes.length;
      if (bytes.length < checkSize) break;
    }
    return hash.digest("hex") === digest ? "whole" : "damaged";
  }
}

/**
 * Blobs in a directory: `ab/cd/<digest>`, uploads under `incoming`, where what a crash left is cleared away; not
 * with `toRead`, beside which another process or thread may be writing.
 */
export function openBlobs(dir: string, options: { readonly toRead?: boolean } = {}): BlobStore {
  return new DiskBlobs(dir, options.toRead === true);
}
