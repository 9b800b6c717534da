import { createConnection, type Socket } from "node:net";
import { decode, encode, type Message, numberOf } from "@skep/ninep";

/** A place to connect to. */
export interface At {
  readonly host: string;
  readonly port: number;
}

/** What a line tells of its records. */
export interface Told {
  /** A record was acknowledged: whole, and in its turn. */
  told(due: number): void;
  /** A record was not, or was refused. */
  failed(why: string): void;
}

/** A request without its tag. */
export type Request = { readonly type: Message["type"] } & Record<string, unknown>;

const rwrite = numberOf("Rwrite");
const header = 7;
const ackSize = header + 4;
/** Where the data of a Twrite begins. */
const dataAt = header + 16;
/** Tags from here on are those of records, the others of what was asked for. */
const firstTag = 16;
/** Records that may wait for their acknowledgement. */
const mostWaiting = 40;
/** Where all sockets of the process read to: what came is looked at before the next read. */
const landing = Buffer.allocUnsafeSlow(65_536);
const nothing = Buffer.alloc(0);

/**
 * One 9P connection of a crowd. Ten thousand of them share two cores with their server, so a record takes no promise and
 * no buffer of its own; each answer is looked at all the same: its size, its type, its turn, and how much was taken.
 */
export class Line {
  /** Resolves when the connection has ended. */
  readonly over: Promise<void>;
  readonly #socket: Socket;
  readonly #told: Told;
  readonly #asked = new Map<number, { resolve(reply: Message): void; reject(why: Error): void }>();
  /** When each record was due that waits for its acknowledgement, oldest first. */
  readonly #due: number[] = [];
  #rest: Buffer = nothing;
  #frame: Buffer = nothing;
  #sent = 0;
  #ended = false;

  private constructor(socket: Socket, closed: Promise<void>, told: Told) {
    this.#socket = socket;
    this.#told = told;
    this.over = closed.then(() => this.#end());
  }

  /** Connects; rejects when that fails. */
  static dial(at: At, told: Told): Promise<Line> {
    const { promise: closed, resolve: close } = Promise.withResolvers<void>();
    return new Promise((resolve, reject) => {
      let line: Line | undefined;
      const callback = (count: number): boolean => {
        if (line) line.#came(landing.subarray(0, count));
        return true;
      };
      const socket = createConnection({ ...at, noDelay: true, onread: { buffer: landing, callback } });
      socket.on("error", reject);
      socket.once("close", close);
      socket.once("connect", () => {
        line = new Line(socket, closed, told);
        resolve(line);
      });
    });
  }

  /** Sends requests in one write, all at once; resolves with their answers, throws the first refusal. */
  async ask(...requests: readonly Request[]): Promise<Message[]> {
    if (this.#ended) throw new Error("the connection has ended");
    const frames: Buffer[] = [];
    const replies = requests.map((request, at) => {
      const tag = request.type === "Tversion" ? 0xffff : at;
      frames.push(encode({ ...request, tag } as unknown as Message));
      const reply = new Promise<Message>((resolve, reject) => this.#asked.set(tag, { resolve, reject }));
      return reply.then((found) => answerTo(request, found));
    });
    this.#socket.write(Buffer.concat(frames));
    return await Promise.all(replies);
  }

  /** What is told from now on goes to this fid: records of as many bytes as this one. */
  record(fid: number, data: Buffer): void {
    this.#frame = encode({ type: "Twrite", tag: 0, fid, offset: 0, data });
  }

  /** Sends a record; `fill` writes what is new in it. What becomes of it is told. */
  tell(due: number, fill: (bytes: Buffer, dataAt: number) => void): void {
    if (this.#ended || this.#frame.length === 0 || this.#due.length >= mostWaiting) {
      this.#told.failed(this.#ended ? "not attached" : `${this.#due.length} records without an answer`);
      return;
    }
    // One that has no answer may still be on its way out of this buffer.
    if (this.#due.length > 0) this.#frame = Buffer.from(this.#frame);
    const frame = this.#frame;
    frame.writeUInt16LE(firstTag + (this.#sent % mostWaiting), 5);
    fill(frame, dataAt);
    this.#sent += 1;
    this.#due.push(due);
    this.#socket.write(frame);
  }

  #came(bytes: Buffer): void {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    let at = 0;
    while (all.length - at >= header) {
      const size = all.readUInt32LE(at);
      if (size < header || all.length - at < size) break;
      this.#reply(all, at, size);
      at += size;
    }
    // What is left of a frame would be overwritten where it is.
    this.#rest = at === all.length ? nothing : Buffer.from(all.subarray(at));
  }

  #reply(bytes: Buffer, at: number, size: number): void {
    const tag = bytes.readUInt16LE(at + 5);
    if (tag >= firstTag && tag < firstTag + mostWaiting) {
      this.#acknowledged(bytes, at, size, tag);
      return;
    }
    const asked = this.#asked.get(tag);
    if (!asked) {
      this.#told.failed(`an answer to tag ${tag}, which asked nothing`);
      return;
    }
    this.#asked.delete(tag);
    asked.resolve(decode(Buffer.from(bytes.subarray(at, at + size))));
  }

  #acknowledged(bytes: Buffer, at: number, size: number, tag: number): void {
    const oldest = this.#sent - this.#due.length;
    const due = this.#due.shift();
    const whole = this.#frame.length - dataAt;
    if (due === undefined || tag !== firstTag + (oldest % mostWaiting))
      this.#told.failed(`an acknowledgement out of its turn: tag ${tag}`);
    else if (bytes[at + 4] !== rwrite || size !== ackSize)
      this.#told.failed(`a record was answered ${bytes.toString("hex", at, at + size)}`);
    else if (bytes.readUInt32LE(at + header) !== whole)
      this.#told.failed(`${bytes.readUInt32LE(at + header)} of ${whole} bytes were taken`);
    else this.#told.told(due);
  }

  #end(): void {
    this.#ended = true;
    for (const { reject } of this.#asked.values()) reject(new Error("the connection has ended"));
    this.#asked.clear();
    for (const _ of this.#due.splice(0)) this.#told.failed("a record was not acknowledged");
  }

  async close(): Promise<void> {
    this.#socket.destroy();
    await this.over;
  }
}

function answerTo({ type }: Request, reply: Message): Message {
  if (reply.type === `R${type.slice(1)}`) return reply;
  throw new Error(`${type} was answered ${reply.type}${"ecode" in reply ? ` ${reply.ecode}` : ""}`);
}
