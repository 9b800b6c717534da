import { createHash, type Hash } from "node:crypto";
import { type FileHandle, open, rm } from "node:fs/promises";
import { commitTo, type Committed, type Commitment, createCommitment, chunkBytes } from "@skep/receipt";

/** Names of the two streams. */
export type StreamName = "stdout" | "stderr";

/** Output up to this size rides in the result, bytes of one stream. */
export const inlineBytes = 6 * 1024;
/** Both streams together: the line of a result must fit a line of the hive. */
export const inlineTogether = 8 * 1024;

/** One stream of a job: in memory while it is short, then in a file. */
class Captured {
  readonly #path: string;
  #parts: Buffer[] = [];
  #hash: Hash | undefined;
  #file: FileHandle | undefined;
  #opening: Promise<FileHandle> | undefined;
  bytes = 0;

  constructor(path: string) {
    this.#path = path;
  }

  get inMemory(): boolean {
    return this.#hash === undefined;
  }

  /** All of it, while it is in memory. */
  get held(): Buffer {
    const [only] = this.#parts;
    if (only && this.#parts.length === 1) return only;
    const all = Buffer.concat(this.#parts);
    this.#parts = [all];
    return all;
  }

  add(bytes: Uint8Array): Promise<void> | undefined {
    this.bytes += bytes.length;
    if (this.#hash === undefined && this.bytes <= chunkBytes) {
      this.#parts.push(Buffer.from(bytes));
      return undefined;
    }
    return this.#spill(bytes);
  }

  async #spill(bytes: Uint8Array): Promise<void> {
    const before = this.#hash ? [] : this.#parts;
    this.#hash ??= createHash("sha256");
    this.#parts = [];
    this.#opening ??= open(this.#path, "w+", 0o600);
    this.#file = await this.#opening;
    for (const part of [...before, bytes]) {
      this.#hash.update(part);
      await this.#file.writeFile(part);
    }
  }

  digest(): string {
    return (this.#hash ?? createHash("sha256").update(this.held)).digest("hex");
  }

  /** The bytes again, piece by piece. */
  async *pieces(size: number): AsyncGenerator<Uint8Array> {
    if (!this.#file) {
      if (this.bytes > 0) yield this.held;
      return;
    }
    const buffer = Buffer.allocUnsafe(size);
    for (let at = 0; at < this.bytes; ) {
      const { bytesRead } = await this.#file.read(buffer, 0, size, at);
      if (bytesRead === 0) return;
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  }

  async close(): Promise<void> {
    if (!this.#opening) return;
    await this.#opening.then((file) => file.close()).catch(() => undefined);
    await rm(this.#path, { force: true });
  }
}

/** What a job puts out: kept, hashed, committed to. */
export class Capture implements AsyncDisposable {
  readonly stdout: Captured;
  readonly stderr: Captured;
  #commitment: Commitment | undefined;

  /** `path` is where files are made when there is much output, `.stdout` and `.stderr` behind it. */
  constructor(path: string) {
    this.stdout = new Captured(`${path}.stdout`);
    this.stderr = new Captured(`${path}.stderr`);
  }

  /** Takes a piece in order; nothing more may come before a returned promise is fulfilled. */
  add(stream: StreamName, bytes: Uint8Array): Promise<void> | undefined {
    if (!this.#commitment && this[stream].bytes + bytes.length > chunkBytes) {
      this.#commitment = createCommitment();
      for (const name of ["stdout", "stderr"] as const) this.#commitment.add(name, this[name].held);
    }
    this.#commitment?.add(stream, bytes);
    return this[stream].add(bytes);
  }

  /** The commitment over all that came. */
  finish(): Committed {
    if (this.#commitment) return this.#commitment.finish();
    const chunks = (["stdout", "stderr"] as const).map((kind) => ({ kind, data: this[kind].held }));
    return commitTo(chunks.filter(({ data }) => data.length > 0));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.stdout.close(), this.stderr.close()]);
  }
}

export type { Captured };
