import { Fault } from "@skep/fault";
import type { Body, ReplyName, RequestName } from "./codec.ts";
import { DIALECT, IO_HEADER, MAX_WALK, NOFID, NONUNAME, QT } from "./constants.ts";
import { fault } from "./faults.ts";
import { type Dirent, escapeText, type Qid } from "./fields.ts";
import type { Loop } from "./lookout.ts";
import {
  type CallOptions,
  type FidSource,
  flagsOf,
  type OpenAs,
  type RemoteAttr,
  RemoteFile,
  rename,
} from "./remote-file.ts";
import { Rpc } from "./rpc.ts";
import type { Wire } from "./wire.ts";

/** How a client introduces itself. */
export interface ClientOptions extends CallOptions {
  /** Largest message in bytes that is asked for; 131,072 by default. */
  readonly msize?: number;
  /** Requests at a time; 64 by default. */
  readonly window?: number;
  readonly uname?: string;
  /** What is attached to; for Skep a ticket, or nothing on a wire that is trusted already. */
  readonly aname?: string;
  readonly nUname?: number;
  /** With it the loop does not sleep while a server answers one request after the other within a tenth of a millisecond. */
  readonly loop?: Loop;
  /**
   * Finds out more about a refusal than its errno before it is thrown, over the same connection where it likes; never
   * rejects. Refusals of what it asks itself come to it too.
   */
  readonly explain?: (refused: Fault, client: Client) => Promise<Fault>;
}

const ROOT = 0;

function namesOf(path: string): string[] {
  return path.split("/").filter((name) => name !== "");
}

/** A 9P client on one connection. */
export class Client implements AsyncDisposable, FidSource {
  /** Largest message in bytes that was agreed to. */
  readonly msize: number;
  readonly root: Qid;
  readonly rpc: Rpc;
  readonly #free: number[] = [];
  #nextFid = ROOT + 1;

  constructor(rpc: Rpc, msize: number, root: Qid) {
    this.rpc = rpc;
    this.msize = msize;
    this.root = root;
  }

  get room(): number {
    return this.msize - IO_HEADER;
  }

  /** Resolves when the connection has ended: with a fault when the server broke the protocol. */
  get closed(): Promise<Fault | undefined> {
    return this.rpc.closed;
  }

  /** Any request by its fields, for what has no method here. */
  request<N extends RequestName>(
    name: N,
    body: Body<N>,
    { signal }: CallOptions = {},
  ): Promise<Body<ReplyName<N>>> {
    return this.rpc.call(name, body, signal);
  }

  #fid(): number {
    return this.#free.pop() ?? this.#nextFid++;
  }

  /** Goes to a path from the root; throws `absent` or `notDirectory` with the step that failed. */
  async walk(path: string, options: CallOptions = {}): Promise<RemoteFile> {
    const fid = this.#fid();
    try {
      return await this.#walk(path, fid, options);
    } catch (thrown) {
      this.giveBack(fid);
      throw thrown;
    }
  }

  async #walk(path: string, newfid: number, { signal }: CallOptions): Promise<RemoteFile> {
    const names = namesOf(path);
    let from = ROOT;
    let qid = this.root;
    try {
      for (let at = 0; at === 0 || at < names.length; at += MAX_WALK) {
        const part = names.slice(at, at + MAX_WALK);
        const { qids } = await this.rpc
          .call("Twalk", { fid: from, newfid, names: part }, signal)
          .catch((thrown) => firstStep(thrown, qid));
        qid = qids.at(-1) ?? qid;
        if (qids.length < part.length) throw walkFault(path, part[qids.length], qid);
        from = newfid;
      }
    } catch (thrown) {
      if (from === newfid) await this.rpc.call("Tclunk", { fid: newfid }).catch(() => undefined);
      const refused = rename(thrown, path);
      throw refused instanceof Fault ? await this.#explained(refused) : refused;
    }
    return new RemoteFile(this, path, newfid, qid);
  }

  async #explained(refused: Fault): Promise<Fault> {
    const { explain } = this.rpc;
    return refused.code === "ninep.remote" && explain ? await explain(refused) : refused;
  }

  giveBack(fid: number): void {
    this.#free.push(fid);
  }

  /** Walks and opens; both are asked for at once. */
  async open(path: string, as: OpenAs = "read", options: CallOptions = {}): Promise<RemoteFile> {
    const names = namesOf(path);
    if (names.length > MAX_WALK) return await this.#openWalked(await this.walk(path, options), as, options);
    const fid = this.#fid();
    return await this.#reach(path, fid, as, options);
  }

  async #openWalked(file: RemoteFile, as: OpenAs, options: CallOptions): Promise<RemoteFile> {
    try {
      return await file.open(as, options);
    } catch (thrown) {
      await file.close();
      throw rename(thrown, file.path, "open");
    }
  }

  /** Sends walk and open without waiting between them. */
  async #reach(path: string, fid: number, as: OpenAs, options: CallOptions): Promise<RemoteFile> {
    const asked = this.#walk(path, fid, options);
    const opening = this.rpc.call("Tlopen", { fid, flags: flagsOf[as] }, options.signal);
    const [walked, opened] = await Promise.allSettled([asked, opening]);
    if (walked.status === "rejected") {
      this.giveBack(fid);
      throw walked.reason;
    }
    const file = walked.value;
    if (opened.status === "fulfilled") return file.opened(opened.value.iounit);
    // A server that works on requests as it likes may have looked for the fid too early.
    if (isTooEarly(opened.reason)) return await this.#openWalked(file, as, options);
    await file.close();
    throw rename(opened.reason, path, "open");
  }

  /**
   * The first bytes of a file, as many as one answer carries: walk, open and read are asked for at once. All of a small
   * text; of a followed stream what comes first.
   */
  async readFirst(path: string, options: CallOptions = {}): Promise<Buffer> {
    const fid = this.#fid();
    const reaching = this.#reach(path, fid, "read", options);
    // A copy: what the wire gave is a view.
    const early = this.rpc.read(fid, 0, this.room, options.signal).then((bytes) => Buffer.from(bytes));
    early.catch(() => undefined);
    const file = await reaching;
    try {
      return await early;
    } catch (thrown) {
      if (isTooEarly(thrown)) return Buffer.from(await file.read(0, file.iounit, options));
      throw thrown;
    } finally {
      // Nobody has to wait for the clunk.
      void file.close();
    }
  }

  async readAll(path: string, options: CallOptions & { limit?: number } = {}): Promise<Buffer> {
    await using file = await this.open(path, "read", options);
    return await file.readAll(options);
  }

  /** Appends whole lines to a control or stream. */
  async append(path: string, lines: string | Uint8Array, options: CallOptions = {}): Promise<void> {
    await using file = await this.open(path, "append", options);
    await file.append(lines, options);
  }

  async readdir(path: string, options: CallOptions = {}): Promise<Dirent[]> {
    await using file = await this.open(path, "read", options);
    return await Array.fromAsync(file.entries(options));
  }

  async getattr(path: string, options: CallOptions = {}): Promise<RemoteAttr> {
    await using file = await this.walk(path, options);
    return await file.getattr(options);
  }

  /** What a stream has and then what comes, until the signal aborts, the stream is over or the loop is left. */
  async *follow(path: string, options: CallOptions & { offset?: number } = {}): AsyncGenerator<Uint8Array> {
    await using file = await this.open(path, "read", options);
    yield* file.follow(options);
  }

  async close(): Promise<void> {
    this.rpc.close();
    await this.rpc.closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

// A first step that fails is an error, a later one a shorter answer.
function firstStep(thrown: unknown, reached: Qid): { qids: Qid[] } {
  const directory = (reached.type & QT.dir) !== 0;
  const expected = directory ? "absent" : "notDirectory";
  if (thrown instanceof Fault && thrown.code === "ninep.remote" && thrown.kind === expected)
    return { qids: [] };
  throw thrown;
}

/** What a server that works on requests as it likes says of a fid that is not there yet: diod says EIO. */
function isTooEarly(thrown: unknown): boolean {
  return thrown instanceof Fault && (thrown.kind === "badHandle" || thrown.kind === "internal");
}

function walkFault(path: string, name: string | undefined, reached: Qid): Fault {
  const directory = (reached.type & QT.dir) !== 0;
  const kind = directory ? "absent" : "notDirectory";
  const why = directory ? `no entry ${escapeText(name ?? "")}` : "a step before it is no directory";
  return new Fault(kind, "ninep.remote", `Cannot walk to ${escapeText(path)}: ${why}`);
}

/** Agrees on version and msize and attaches. The wire is the client's from then on, also when this rejects. */
export async function createClient(wire: Wire, options: ClientOptions = {}): Promise<Client> {
  const { msize = 131_072, window = 64, uname = "", aname = "", nUname = NONUNAME, signal } = options;
  const rpc = new Rpc(wire, msize, window, options.loop);
  try {
    const agreed = await rpc.call("Tversion", { msize, version: DIALECT }, signal);
    if (agreed.version !== DIALECT || agreed.msize > msize) throw fault.version(agreed.version);
    rpc.limit = agreed.msize;
    const { qid } = await rpc.call("Tattach", { fid: ROOT, afid: NOFID, uname, aname, nUname }, signal);
    const client = new Client(rpc, agreed.msize, qid);
    const { explain } = options;
    if (explain) rpc.explain = (refused) => explain(refused, client);
    return client;
  } catch (thrown) {
    rpc.close();
    throw thrown;
  }
}
