import { type Fault, toFault } from "@skep/fault";
import { isDirectory } from "./attr.ts";
import type { Pending } from "./calls.ts";
import { type Body, decodeBody, nameOf, numberOf, type RequestName, sizeOf } from "./codec.ts";
import { DIALECT, HEADER } from "./constants.ts";
import { joinU64, u16At, u32At } from "./cursor.ts";
import { Exchange, type Put } from "./exchange.ts";
import { fault } from "./faults.ts";
import { Framer } from "./framer.ts";
import type { Awaitable, Host } from "./host.ts";
import { Lookout } from "./lookout.ts";
import type { MessageName } from "./messages.ts";
import { Outbox } from "./outbox.ts";
import { requests } from "./requests.ts";
import { Session } from "./session.ts";
import type { Turns } from "./turns.ts";
import type { Wire } from "./wire.ts";

/** Limits of one connection. */
export interface ServeOptions {
  /** Largest message in bytes that is agreed to; 131,072 by default, at least 4,096. */
  readonly msize?: number;
  /** Fids at a time; 1,024 by default. */
  readonly fids?: number;
  /** Requests at a time; 64 by default. Beyond it EAGAIN, but for Tclunk and Tflush. */
  readonly window?: number;
  /** Reads of handles with `waits` at a time; 48 by default. Beyond it EAGAIN. */
  readonly waiting?: number;
  /** Runs something in a later turn of the event loop (setImmediate). With it no turn serves over 256 requests. */
  readonly defer?: (act: () => void) => void;
  /**
   * Milliseconds since some fixed moment. With it and `defer` the loop does not sleep while a client asks one thing after
   * the other without a pause: it looks for the next request for a tenth of a millisecond.
   */
  readonly monotonic?: () => number;
  /** Shared with other connections of the same loop: what all of them take of one turn, those that end too. */
  readonly turns?: Turns;
  /** Hears of every fault that is `internal`, with its cause. */
  readonly report?: (fault: Fault) => void;
}

/** One served connection. */
export interface Connection {
  /** Resolves when it has ended: with the fault when the client broke the protocol, with nothing otherwise. */
  readonly closed: Promise<Fault | undefined>;
  /** Fids and unanswered requests at the moment. */
  readonly load: { readonly fids: number; readonly requests: number };
  close(): void;
}

const SMALLEST = 4096;
const TURN = 256;
/** Requests after which a connection asks whether the turn is over; to ask costs as much as a small answer. */
const LOOKS = 8;
const number = {
  tread: numberOf("Tread"),
  rread: numberOf("Rread"),
  tclunk: numberOf("Tclunk"),
};
const READ_FRAME = HEADER + 16;

/** The name of the answer to each request, by the request's number. */
const replies: (MessageName | undefined)[] = Array.from({ length: 256 }, (_, at) => nameOf(at + 1));

class Server implements Connection {
  readonly closed: Promise<Fault | undefined>;
  readonly #host: Host;
  readonly #wire: Wire;
  readonly #options: ServeOptions;
  readonly #maxMsize: number;
  readonly #framer: Framer;
  readonly #outbox: Outbox;
  readonly #exchange: Exchange;
  readonly #lookout: Lookout | undefined;
  readonly #settle: (cause: Fault | undefined) => void;
  #session: Session | undefined;
  #over = false;
  #pumping = false;
  #deferred = false;
  #paused = false;
  #served = 0;

  constructor(wire: Wire, host: Host, options: ServeOptions) {
    const { promise, resolve } = Promise.withResolvers<Fault | undefined>();
    this.closed = promise;
    this.#settle = resolve;
    this.#host = host;
    this.#wire = wire;
    this.#options = options;
    this.#maxMsize = Math.max(SMALLEST, options.msize ?? 131_072);
    this.#framer = new Framer(this.#maxMsize);
    this.#outbox = new Outbox(wire);
    const { window = 64, waiting = 48, report, defer, monotonic } = options;
    this.#lookout = defer && monotonic && new Lookout({ defer, monotonic });
    this.#exchange = new Exchange(this.#outbox, { window, waiting, report });
    wire.listen({
      data: (bytes) => this.#data(bytes),
      drain: () => {
        this.#outbox.drained();
        this.#pump();
      },
      closed: () => this.#left(),
    });
  }

  get load() {
    return { fids: this.#session?.fids.size ?? 0, requests: this.#exchange.size };
  }

  close(): void {
    this.#end(undefined);
  }

  #data(bytes: Uint8Array): void {
    if (this.#over) return;
    this.#lookout?.came();
    this.#framer.push(bytes);
    const before = this.#served;
    this.#pump();
    // One request and its answer: whoever asks like that waits for it.
    if (this.#served === before + 1 && this.#exchange.size === 0) this.#lookout?.sent();
  }

  /** Serves the frames that are there, unless the client does not take its answers. */
  #pump(): void {
    if (this.#pumping || this.#over) return;
    this.#pumping = true;
    try {
      this.#turn();
    } catch (thrown) {
      this.#outbox.flush();
      this.#end(toFault(thrown));
      return;
    } finally {
      this.#pumping = false;
    }
    this.#outbox.flush();
    // What comes while this waits for its turn is kept up to one message; to pause a socket costs more.
    this.#throttle(this.#outbox.full || (this.#deferred && this.#framer.waiting >= this.#maxMsize));
  }

  #turn(): void {
    for (let served = 0; !this.#over && !this.#deferred && !this.#outbox.full; served++) {
      if (this.#mustYield(served)) return;
      if (!this.#framer.next()) return;
      this.#served += 1;
      this.#frame(this.#framer.bytes, this.#framer.start, this.#framer.end);
    }
  }

  /** Goes on in a later turn where this one is used up. */
  #mustYield(served: number): boolean {
    const { defer, turns } = this.#options;
    const later = turns ? (act: () => void) => turns.later(act) : defer;
    const full = served === TURN || (served % LOOKS === 0 && turns?.over === true);
    if (!later || !full) return false;
    this.#deferred = true;
    later(() => {
      this.#deferred = false;
      this.#pump();
    });
    return true;
  }

  #throttle(busy: boolean): void {
    if (busy === this.#paused || this.#over) return;
    this.#paused = busy;
    if (busy) this.#wire.pause();
    else this.#wire.resume();
  }

  #frame(bytes: Buffer, start: number, end: number): void {
    const type = bytes[start + 4] as number;
    const tag = u16At(bytes, start + 5);
    if (type === number.tread && this.#session) this.#read(bytes, start, end, tag);
    else this.#other(type, tag, bytes, start, end);
  }

  #other(type: number, tag: number, bytes: Buffer, start: number, end: number): void {
    const name = nameOf(type);
    if (type % 2 === 1 || name === "Tlerror") throw fault.protocol("a message that only servers send");
    if (name !== "Tversion" && !this.#session) throw fault.protocol("no Tversion yet");
    if (name === undefined) {
      this.#unknown(type, tag);
      return;
    }
    const body = decodeBody(name, bytes, start, end);
    if (name === "Tversion") this.#version(body as Body<"Tversion">, tag);
    else if (name === "Tflush") this.#exchange.flush(tag, (body as Body<"Tflush">).oldtag);
    else this.#request(type, tag, name as RequestName, body);
  }

  #version({ msize, version }: Body<"Tversion">, tag: number): void {
    this.#reset();
    if (version !== DIALECT) this.#outbox.put("Rversion", tag, { msize, version: "unknown" });
    else if (msize < SMALLEST)
      this.#exchange.refuse(tag, fault.version(`msize ${msize} is below ${SMALLEST}`));
    else this.#agree(Math.min(msize, this.#maxMsize), tag);
  }

  #agree(msize: number, tag: number): void {
    this.#framer.limit = msize;
    this.#session = new Session(this.#host, msize, this.#options.fids ?? 1024, {
      dropped: (fid, cause) => this.#exchange.dropped(fid, cause),
      failed: (thrown) => this.#exchange.report(toFault(thrown)),
    });
    this.#outbox.put("Rversion", tag, { msize, version: DIALECT });
  }

  #unknown(type: number, tag: number): void {
    const call = this.#exchange.begin(type, tag, -1);
    if (call) this.#exchange.refuse(tag, fault.unsupported(type));
  }

  /** The hot path: a Tread from its bytes, the answer straight into the outbox. */
  #read(bytes: Buffer, start: number, end: number, tag: number): void {
    if (end - start !== READ_FRAME) throw fault.malformed("a Tread of another size");
    const fid = u32At(bytes, start + 7);
    const call = this.#exchange.begin(number.tread, tag, fid);
    if (!call) return;
    const offset = Number(joinU64(u32At(bytes, start + 11), u32At(bytes, start + 15)));
    const count = u32At(bytes, start + 19);
    const read = () => this.#readOf(fid, offset, count, call);
    this.#exchange.run(call, () => this.#inTurn(fid, call, read), this.#putRead);
  }

  /** A client need not wait for its walk to open, nor for its open to read: what comes early waits here. */
  #inTurn<T>(fid: number, call: Pending, act: () => Awaitable<T>): Awaitable<T> {
    const idle = this.#session?.fids.idle(fid);
    if (!idle) return act();
    return idle.then(() => {
      if (call.done) throw fault.canceled();
      return this.#inTurn(fid, call, act);
    });
  }

  #readOf(number: number, offset: number, asked: number, call: Pending): Awaitable<Uint8Array> {
    const session = this.#session as Session;
    const fid = session.fids.get(number);
    if (fid.list) return new Uint8Array(0);
    if (isDirectory(fid.place.file.qid)) throw fault.isDirectory();
    if (!fid.reads || !fid.handle?.read) throw fault.notOpen(number);
    const count = Math.min(asked, session.msize - HEADER - 4);
    if (fid.handle.waits) this.#exchange.waits(call);
    call.most = count;
    return fid.handle.read(offset, count, call);
  }

  readonly #putRead: Put = (call, value) => {
    const data = value as Uint8Array;
    if (data.length > call.most) throw fault.hostBroke(`${data.length} bytes for a read of ${call.most}`);
    const outbox = this.#outbox;
    const at = outbox.header(HEADER + 4 + data.length, number.rread, call.tag);
    outbox.bytes.writeUInt32LE(data.length, at);
    outbox.bytes.set(data, at + 4);
  };

  #request(type: number, tag: number, name: RequestName, body: object): void {
    const session = this.#session as Session;
    const { fid = -1 } = body as { fid?: number };
    const call = this.#exchange.begin(type, tag, fid);
    if (!call) return;
    const handler = requests[name] as
      | ((at: Session, body: object, call: Pending) => Awaitable<object>)
      | undefined;
    const work = handler && (() => handler(session, body, call));
    // Whatever is under way for a fid, Tclunk ends it.
    if (work && type === number.tclunk) this.#exchange.run(call, work, this.#putReply);
    else if (work) this.#exchange.run(call, () => this.#inTurn(fid, call, work), this.#putReply);
    else this.#exchange.refuse(tag, fault.unsupported(name));
  }

  readonly #putReply: Put = (call, value) => {
    const name = replies[call.type] as MessageName;
    const size = sizeOf(name, value as object);
    if (size > (this.#session?.msize ?? SMALLEST)) throw fault.hostBroke(`an answer of ${size} bytes`);
    this.#outbox.put(name, call.tag, value as object);
  };

  #reset(): void {
    this.#framer.limit = this.#maxMsize;
    this.#exchange.reset();
    const session = this.#session;
    this.#session = undefined;
    session?.close();
  }

  // The client has gone and nobody waits: what it leaves is put away in turns, for thousands may go at once.
  #left(): void {
    const { turns } = this.#options;
    if (turns && this.#session) turns.last(() => (this.#deferred ? this.#left() : this.#end(undefined)));
    else this.#end(undefined);
  }

  #end(cause: Fault | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#reset();
    this.#wire.close();
    this.#settle(cause);
  }
}

/**
 * Serves 9P2000.L on a wire until either side ends it. Nothing that the client sends makes this throw: a malformed
 * frame, or a tag used twice, ends the connection.
 */
export function serve(wire: Wire, host: Host, options: ServeOptions = {}): Connection {
  return new Server(wire, host, options);
}
