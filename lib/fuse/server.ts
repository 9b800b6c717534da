import { Fault, toFault } from "@skep/fault";
import { encodeHead, initOut, spoken } from "./answers.ts";
import { fault } from "./faults.ts";
import type { Channel, DirHandle, Filesystem, Handle } from "./filesystem.ts";
import { Handles } from "./handles.ts";
import { Nodes } from "./nodes.ts";
import { type Answer, type Asking, type At, operations } from "./operations.ts";
import { type Body, decodeBody, decodeHead, type Head, type OpName, type Request } from "./requests.ts";

/** How a file system is served. */
export interface ServeOptions {
  /** Bytes of data in one write or read; a request in the channel has up to 4,096 more. */
  readonly maxWrite: number;
  /** How long the kernel may keep what it is told of a file, milliseconds; it keeps nothing by default. */
  readonly keptMs?: number;
  /** Told once, when the kernel and this side have agreed. */
  readonly ready?: () => void;
  /** Told what was thrown that is no `Fault`; the kernel is told EIO. */
  readonly report?: (thrown: unknown) => void;
}

/** What only this protocol says; every other errno is that of a fault's kind. */
const errno = { EPERM: 1, EINTR: 4, ENOSYS: 38, EPROTO: 71 } as const;

/** Of what the kernel offers: writes above a page, lookups of one directory side by side, our own largest request. */
const wanted = (1 << 5) | (1 << 18) | (1 << 22);

/** Why a request ended that nobody waits for. */
const interrupted = new Error("Interrupted");

type AnyAct = (at: At, body: object, nodeid: number, call: object) => Answer | Promise<Answer>;

class Server {
  readonly #channel: Channel;
  readonly #options: ServeOptions;
  readonly #at: At;
  readonly #pending = new Map<bigint, AbortController>();
  #agreed = false;

  constructor(channel: Channel, files: Filesystem, options: ServeOptions) {
    this.#channel = channel;
    this.#options = options;
    this.#at = {
      nodes: new Nodes(),
      files,
      keptMs: options.keptMs ?? 0,
      handles: new Handles<Handle>(),
      dirs: new Handles<DirHandle>(),
    };
  }

  async run(): Promise<void> {
    try {
      for (;;) {
        const bytes = await this.#channel.read();
        if (bytes === undefined) return;
        this.#take(bytes);
      }
    } finally {
      for (const waiting of this.#pending.values()) waiting.abort(interrupted);
      this.#at.handles.releaseAll();
      this.#at.dirs.releaseAll();
    }
  }

  #take(bytes: Uint8Array): void {
    const head = decodeHead(bytes);
    let request: Request;
    try {
      request = decodeBody(head, bytes);
    } catch (thrown) {
      this.#refuse(head, thrown);
      return;
    }
    this.#dispatch(request);
  }

  #dispatch(request: Request): void {
    const { nodes } = this.#at;
    switch (request.op) {
      case "FORGET":
        nodes.forget(request.nodeid, request.body.count);
        break;
      case "BATCH_FORGET":
        for (const { nodeid, count } of request.body.forgets) nodes.forget(nodeid, count);
        break;
      case "INTERRUPT":
        // What is not pending was answered while this was on its way.
        this.#pending.get(request.body.unique)?.abort(interrupted);
        break;
      case "INIT":
        this.#init(request, request.body);
        break;
      case "alter":
        this.#send(request, errno.EPERM);
        break;
      case "unknown":
        this.#send(request, errno.ENOSYS);
        break;
      default:
        void this.#work(request, request.op, request.body);
    }
  }

  #init(head: Head, { major, minor, maxReadahead, flags }: Body<"INIT">): void {
    if (major < spoken.major || (major === spoken.major && minor < spoken.minor)) {
      this.#send(head, errno.EPROTO);
      throw fault.version(`${major}.${minor}`);
    }
    const { maxWrite, ready } = this.#options;
    this.#send(head, 0, [initOut({ maxReadahead, flags: flags & wanted, maxWrite })]);
    // A later major version is answered with ours, and asks again in that.
    if (major !== spoken.major || this.#agreed) return;
    this.#agreed = true;
    ready?.();
  }

  async #work(head: Head, op: Asking, body: Body<OpName>): Promise<void> {
    const abort = new AbortController();
    const { unique, nodeid, uid, gid, pid } = head;
    this.#pending.set(unique, abort);
    try {
      const call = { signal: abort.signal, uid, gid, pid };
      const { parts, undo } = await (operations[op] as AnyAct)(this.#at, body, nodeid, call);
      if (!this.#send(head, 0, parts)) undo?.();
    } catch (thrown) {
      if (abort.signal.aborted) this.#send(head, errno.EINTR);
      else this.#refuse(head, thrown);
    } finally {
      this.#pending.delete(unique);
    }
  }

  #refuse(head: Head, thrown: unknown): void {
    if (!(thrown instanceof Fault)) this.#options.report?.(thrown);
    this.#send(head, toFault(thrown).row.errno);
  }

  #send({ unique }: Head, code: number, parts: readonly Uint8Array[] = []): boolean {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    return this.#channel.write(encodeHead(unique, code, length), ...parts);
  }
}

/**
 * Serves a file system until it is unmounted. Rejects with `fuse.version` when the kernel is too old and with
 * `fuse.frame` when what came is no request; a request with broken fields is answered EINVAL.
 */
export function serve(channel: Channel, files: Filesystem, options: ServeOptions): Promise<void> {
  return new Server(channel, files, options).run();
}
