import { Fault, kindOfErrno, toFault } from "@skep/fault";
import {
  type Body,
  decodeBody,
  encodeAt,
  nameOf,
  numberOf,
  type ReplyName,
  type RequestName,
  sizeOf,
} from "./codec.ts";
import { HEADER, NOTAG } from "./constants.ts";
import { putU32, putU64, u16At, u32At } from "./cursor.ts";
import { fault } from "./faults.ts";
import { Framer } from "./framer.ts";
import { type Loop, Lookout } from "./lookout.ts";
import { Outbox } from "./outbox.ts";
import type { Wire } from "./wire.ts";

const LERROR = numberOf("Rlerror");
const TREAD = numberOf("Tread");
const RFLUSH = numberOf("Rflush");
const RREAD = numberOf("Rread");

/** One request from asking to its answer. */
interface Asked {
  readonly name: RequestName;
  readonly put: (tag: number) => void;
  readonly resolve: (body: unknown) => void;
  readonly reject: (cause: unknown) => void;
  tag: number;
  /** A Tflush for it is on its way: its tag stays taken until Rflush. */
  flushing: boolean;
  settled: boolean;
  /** Why it was aborted. */
  reason: unknown;
  forget: (() => void) | undefined;
}

/** What a refusal of the server is here. */
function remoteFault(name: string, errno: number): Fault {
  const kind = kindOfErrno(errno);
  const told = new Fault(kind, "ninep.remote", "");
  const known = told.row.errno === errno;
  const word = known ? told.row.errnoName : `errno ${errno}`;
  return new Fault(kind, "ninep.remote", `Cannot ${name.slice(1)}: the server answered ${word}`, {
    detail: word,
  });
}

/** Requests and answers on one wire, up to `window` at a time; more wait their turn. */
export class Rpc {
  /** Finds out more about a refusal before it is told; never rejects. */
  explain: ((refused: Fault) => Promise<Fault>) | undefined;
  /** The end of the connection; never rejects. */
  readonly closed: Promise<Fault | undefined>;
  readonly #wire: Wire;
  readonly #outbox: Outbox;
  readonly #framer: Framer;
  readonly #lookout: Lookout | undefined;
  readonly #window: number;
  readonly #settle: (cause: Fault | undefined) => void;
  readonly #asked: (Asked | undefined)[] = [];
  readonly #free: number[] = [];
  readonly #freeFlush: number[] = [];
  readonly #flushes = new Map<number, Asked>();
  #queue: Asked[] = [];
  #version: Asked | undefined;
  #over: Fault | undefined;

  constructor(wire: Wire, msize: number, window: number, loop?: Loop) {
    const { promise, resolve } = Promise.withResolvers<Fault | undefined>();
    this.closed = promise;
    this.#settle = resolve;
    this.#wire = wire;
    this.#outbox = new Outbox(wire);
    this.#framer = new Framer(msize);
    this.#lookout = loop && new Lookout(loop);
    this.#window = window;
    for (let tag = window - 1; tag >= 0; tag--) {
      this.#free.push(tag);
      this.#freeFlush.push(tag + window);
    }
    wire.listen({
      data: (bytes) => this.#data(bytes),
      drain: () => {
        this.#outbox.drained();
        this.#next();
      },
      closed: (cause) => this.#end(undefined, cause),
    });
  }

  /** Requests that are on their way or wait for a tag. */
  get load(): number {
    return this.#asked.reduce((sum, asked) => sum + (asked ? 1 : 0), this.#queue.length);
  }

  /** Largest frame that is taken from now on. */
  set limit(msize: number) {
    this.#framer.limit = msize;
  }

  /** Sends a request and resolves with the fields of its answer; refusals reject with `Fault`. */
  call<N extends RequestName>(name: N, body: Body<N>, signal?: AbortSignal): Promise<Body<ReplyName<N>>> {
    return new Promise((resolve, reject) => {
      const size = sizeOf(name, body);
      const put = (tag: number) => {
        const at = this.#outbox.reserve(size);
        encodeAt(this.#outbox.bytes, at, size, name, tag, body);
      };
      this.#ask(name, put, resolve as (body: unknown) => void, reject, signal);
    });
  }

  /** The hot path: one Tread; what it resolves with is a view of what came. */
  read(fid: number, offset: number, count: number, signal?: AbortSignal): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      if (!Number.isSafeInteger(offset) || offset < 0) throw fault.unencodable(`offset ${offset}`);
      const put = (tag: number) => {
        const at = this.#outbox.header(HEADER + 16, TREAD, tag);
        const { bytes } = this.#outbox;
        putU32(bytes, at, fid);
        putU64(bytes, at + 4, offset);
        putU32(bytes, at + 12, count);
      };
      this.#ask("Tread", put, resolve as (body: unknown) => void, reject, signal);
    });
  }

  close(): void {
    this.#end(undefined);
  }

  #ask(
    name: RequestName,
    put: Asked["put"],
    resolve: Asked["resolve"],
    reject: Asked["reject"],
    signal?: AbortSignal,
  ) {
    if (this.#over) {
      reject(this.#over);
      return;
    }
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const asked: Asked = {
      name,
      put,
      resolve,
      reject,
      tag: -1,
      flushing: false,
      settled: false,
      reason: undefined,
      forget: undefined,
    };
    if (signal) {
      const abort = () => this.#abort(asked, signal.reason);
      signal.addEventListener("abort", abort, { once: true });
      asked.forget = () => signal.removeEventListener("abort", abort);
    }
    if (name === "Tversion") this.#send(asked, NOTAG);
    else if (this.#free.length > 0 && this.#queue.length === 0 && !this.#outbox.full)
      this.#send(asked, this.#free.pop() as number);
    else this.#queue.push(asked);
  }

  #send(asked: Asked, tag: number): void {
    asked.tag = tag;
    if (tag === NOTAG) this.#version = asked;
    else this.#asked[tag] = asked;
    asked.put(tag);
    this.#outbox.flushSoon();
    if (this.#free.length === this.#window - 1) this.#lookout?.sent();
  }

  /** Sends what waited, as far as there are tags and the wire takes it. */
  #next(): void {
    while (this.#queue.length > 0 && this.#free.length > 0 && !this.#outbox.full)
      this.#send(this.#queue.shift() as Asked, this.#free.pop() as number);
  }

  #abort(asked: Asked, reason: unknown): void {
    if (asked.settled || asked.flushing) return;
    if (asked.tag < 0) {
      this.#queue = this.#queue.filter((other) => other !== asked);
      this.#refuse(asked, reason);
      return;
    }
    asked.reason = reason;
    const tag = asked.tag === NOTAG ? undefined : this.#freeFlush.pop();
    if (tag === undefined) {
      this.#refuse(asked, reason);
      return;
    }
    asked.flushing = true;
    this.#flushes.set(tag, asked);
    this.#outbox.put("Tflush", tag, { oldtag: asked.tag });
    this.#outbox.flushSoon();
  }

  #refuse(asked: Asked, cause: unknown): void {
    asked.settled = true;
    asked.forget?.();
    asked.reject(cause);
  }

  #data(bytes: Uint8Array): void {
    if (this.#over) return;
    this.#lookout?.came();
    this.#framer.push(bytes);
    try {
      while (!this.#over && this.#framer.next())
        this.#frame(this.#framer.bytes, this.#framer.start, this.#framer.end);
    } catch (thrown) {
      this.#end(toFault(thrown));
      return;
    }
    this.#next();
  }

  #frame(bytes: Buffer, start: number, end: number): void {
    const type = bytes[start + 4] as number;
    const tag = u16At(bytes, start + 5);
    const flushed = this.#flushes.get(tag);
    if (flushed) {
      if (type !== RFLUSH) throw fault.protocol(`${nameOf(type) ?? type} as an answer to Tflush`);
      decodeBody("Rflush", bytes, start, end);
      this.#flushed(tag, flushed);
      return;
    }
    const asked = tag === NOTAG ? this.#version : this.#asked[tag];
    if (!asked || asked.settled) throw fault.protocol(`an answer to tag ${tag}, which asked nothing`);
    const hot = type === RREAD && asked.name === "Tread";
    const answer = hot ? dataOf(bytes, start, end) : outcome(asked, type, bytes, start, end);
    this.#release(asked);
    asked.settled = true;
    asked.forget?.();
    if (!(answer instanceof Fault)) asked.resolve(answer);
    else if (asked.flushing) asked.reject(asked.reason);
    // A walk is explained by whoever knows its path.
    else if (this.explain && asked.name !== "Twalk") this.explain(answer).then(asked.reject, asked.reject);
    else asked.reject(answer);
  }

  /** Gives the tag back, unless a Tflush for it is on its way. */
  #release(asked: Asked): void {
    if (asked.flushing) return;
    if (asked.tag === NOTAG) this.#version = undefined;
    else {
      this.#asked[asked.tag] = undefined;
      this.#free.push(asked.tag);
    }
  }

  #flushed(tag: number, asked: Asked): void {
    this.#flushes.delete(tag);
    this.#freeFlush.push(tag);
    asked.flushing = false;
    this.#release(asked);
    if (!asked.settled) this.#refuse(asked, asked.reason);
  }

  #end(cause: Fault | undefined, why?: unknown): void {
    if (this.#over) return;
    // A wire that ends with a fault of its own says more than that it ended.
    this.#over =
      cause ??
      (why instanceof Fault ? why : fault.closed(undefined, why === undefined ? {} : { cause: why }));
    const all = [this.#version, ...this.#asked, ...this.#queue];
    this.#queue = [];
    for (const asked of all) if (asked && !asked.settled) this.#refuse(asked, this.#over);
    this.#wire.close();
    this.#settle(cause);
  }
}

function dataOf(bytes: Buffer, start: number, end: number): Uint8Array {
  const from = start + HEADER + 4;
  if (end < from || u32At(bytes, start + HEADER) !== end - from)
    throw fault.malformed("an Rread of another size");
  return bytes.subarray(from, end);
}

/** What a frame says to a request; throws, before anything is settled, where it is no answer to it. */
function outcome(asked: Asked, type: number, bytes: Buffer, start: number, end: number): object {
  if (type === LERROR) return remoteFault(asked.name, decodeBody("Rlerror", bytes, start, end).ecode);
  const name = nameOf(type);
  if (name === undefined || type !== numberOf(asked.name) + 1)
    throw fault.protocol(`${name ?? type} as an answer to ${asked.name}`);
  return decodeBody(name, bytes, start, end);
}
