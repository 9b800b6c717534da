import { Fault } from "@skep/fault";
import type { Body } from "./codec.ts";
import { OPEN } from "./constants.ts";
import type { U64 } from "./cursor.ts";
import { fault } from "./faults.ts";
import { type Dirent, escapeText, type Qid } from "./fields.ts";
import type { Rpc } from "./rpc.ts";

/** What most calls of a client take. */
export interface CallOptions {
  /** Aborting sends Tflush; the call then rejects with the signal's reason, or resolves when it was faster. */
  readonly signal?: AbortSignal | undefined;
}

/** How a client opens a file. */
export type OpenAs = "read" | "write" | "readWrite" | "append";

/** What a client answers a Tgetattr with. */
export type RemoteAttr = Body<"Rgetattr">;

/** The flags of Tlopen. */
export const flagsOf: Record<OpenAs, number> = {
  read: OPEN.readOnly,
  write: OPEN.writeOnly,
  readWrite: OPEN.readWrite,
  append: OPEN.writeOnly | OPEN.append,
};

/** What files need of their client. */
export interface FidSource {
  readonly rpc: Rpc;
  /** Bytes of data in one read or write. */
  readonly room: number;
  giveBack(fid: number): void;
}

/** A fid of a client: a place in the tree, opened or not. To be disposed of, which clunks it. */
export class RemoteFile implements AsyncDisposable {
  readonly path: string;
  readonly fid: number;
  readonly qid: Qid;
  readonly #source: FidSource;
  #room: number;
  #gone = false;

  constructor(source: FidSource, path: string, fid: number, qid: Qid) {
    this.#source = source;
    this.#room = source.room;
    this.path = path;
    this.fid = fid;
    this.qid = qid;
  }

  /** Bytes of data in one read or write of this file. */
  get iounit(): number {
    return this.#room;
  }

  async open(as: OpenAs, { signal }: CallOptions = {}): Promise<this> {
    const body = { fid: this.fid, flags: flagsOf[as] };
    const { iounit } = await this.#source.rpc.call("Tlopen", body, signal).catch((thrown: unknown) => {
      throw rename(thrown, this.path, "open");
    });
    return this.opened(iounit);
  }

  /** Takes what the server answered to its Tlopen. */
  opened(iounit: number): this {
    if (iounit > 0) this.#room = Math.min(iounit, this.#source.room);
    return this;
  }

  getattr({ signal }: CallOptions = {}): Promise<RemoteAttr> {
    return this.#source.rpc.call("Tgetattr", { fid: this.fid, requestMask: 0x3fff }, signal);
  }

  /** At most `count` bytes from `offset`, and at most `iounit`; none at the end. A view of what came. */
  read(offset: number, count: number, options?: CallOptions): Promise<Uint8Array> {
    return this.#source.rpc.read(this.fid, offset, Math.min(count, this.#room), options?.signal);
  }

  /** All bytes from the start; throws `ninep.oversize` beyond `limit` bytes (16 MiB by default). */
  async readAll({ limit = 16_777_216, signal }: CallOptions & { limit?: number } = {}): Promise<Buffer> {
    const parts: Uint8Array[] = [];
    for (let at = 0; ; ) {
      const bytes = await this.read(at, this.#room, { signal });
      if (bytes.length === 0) return Buffer.concat(parts, at);
      at += bytes.length;
      if (at > limit) throw fault.oversize(this.path);
      parts.push(bytes);
    }
  }

  /** One Twrite; resolves with the bytes that were taken. */
  async write(data: Uint8Array, offset = 0, { signal }: CallOptions = {}): Promise<number> {
    const body = { fid: this.fid, offset, data };
    const { count } = await this.#source.rpc.call("Twrite", body, signal);
    return count;
  }

  /** Writes all of the bytes, in as many writes as they need. */
  async writeAll(data: Uint8Array, offset = 0, options: CallOptions = {}): Promise<void> {
    await this.#writeParts(data, offset, (_, room) => room, options);
  }

  /**
   * Appends whole lines, of which none spans two writes; a missing newline at the end is added. When the server
   * takes only the first lines the rest is sent again, so that its refusal is thrown.
   */
  async append(lines: string | Uint8Array, options: CallOptions = {}): Promise<void> {
    const given =
      typeof lines === "string"
        ? Buffer.from(lines)
        : Buffer.from(lines.buffer, lines.byteOffset, lines.length);
    const whole = given.at(-1) === 10 ? given : Buffer.concat([given, Buffer.from("\n")]);
    await this.#writeParts(whole, 0, lineCut, options);
  }

  async #writeParts(
    data: Uint8Array,
    offset: number,
    cut: (data: Uint8Array, room: number) => number,
    options: CallOptions,
  ): Promise<void> {
    for (let at = 0; at < data.length; ) {
      const rest = data.subarray(at);
      const part = rest.length <= this.#room ? rest : rest.subarray(0, cut(rest, this.#room));
      const count = await this.write(part, offset + at, options);
      if (count === 0) throw fault.shortWrite(this.path);
      at += count;
    }
  }

  /** All entries of a directory, page by page. */
  async *entries({ signal }: CallOptions = {}): AsyncGenerator<Dirent> {
    for (let offset: U64 = 0; ; ) {
      const body: Body<"Treaddir"> = { fid: this.fid, offset, count: this.#room };
      const { entries }: Body<"Rreaddir"> = await this.#source.rpc.call("Treaddir", body, signal);
      const last = entries.at(-1);
      if (!last) return;
      yield* entries;
      offset = last.offset;
    }
  }

  /**
   * What a stream has and then what comes. A read at its end returns nothing once, and only the read after that
   * waits; when that one returns nothing too, the stream is over.
   */
  async *follow({ offset = 0, signal }: CallOptions & { offset?: number } = {}): AsyncGenerator<Uint8Array> {
    let at = offset;
    for (let empty = 0; empty < 2; ) {
      const bytes = await this.read(at, this.#room, { signal });
      empty = bytes.length === 0 ? empty + 1 : 0;
      at += bytes.length;
      if (bytes.length > 0) yield bytes;
    }
  }

  async sync({ signal }: CallOptions = {}): Promise<void> {
    await this.#source.rpc.call("Tfsync", { fid: this.fid, datasync: 0 }, signal);
  }

  /** Clunks the fid; harmless when that was done or the connection is gone. */
  async close(): Promise<void> {
    if (this.#gone) return;
    this.#gone = true;
    try {
      await this.#source.rpc.call("Tclunk", { fid: this.fid });
    } catch {
      // the server forgets the fid whatever it answers
    }
    this.#source.giveBack(this.fid);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** A refusal of the server, with the path that it is about. */
export function rename(thrown: unknown, path: string, verb = "walk to"): unknown {
  if (!(thrown instanceof Fault) || thrown.code !== "ninep.remote" || !thrown.detail) return thrown;
  const { kind, code, cure, detail } = thrown;
  const message = `Cannot ${verb} ${escapeText(path)}: the server answered ${detail}`;
  return new Fault(kind, code, message, { detail, cause: thrown, ...(cure !== undefined && { cure }) });
}

/** Bytes of the whole lines that fit, or as much as fits of a line that is too long for one write. */
function lineCut(data: Uint8Array, room: number): number {
  const end = data.lastIndexOf(10, room - 1) + 1;
  return end > 0 ? end : room;
}
