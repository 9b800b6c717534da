import { createConnection, type Socket } from "node:net";

/** What came back. */
export interface Answer {
  readonly status: number;
  readonly head: string;
  /** Empty where a sink took the bytes. */
  readonly body: Buffer;
}

interface Waiting {
  readonly sink: ((part: Buffer) => void) | undefined;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

const blank = Buffer.from("\r\n\r\n");
const nothing = Buffer.alloc(0);
/** Milliseconds for which a connection may idle: the hive says in its answers that it keeps them for thirty seconds. */
const kept = 25_000;

/** The bytes of a request without a body, or with a small one. */
export function requestOf(
  port: number,
  method: string,
  target: string,
  headers: Readonly<Record<string, string>>,
  body?: string,
): Buffer {
  const lines = [`${method} ${target} HTTP/1.1`, `Host: 127.0.0.1:${port}`];
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  if (body !== undefined) lines.push(`Content-Length: ${Buffer.byteLength(body)}`);
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n${body ?? ""}`);
}

/**
 * One kept connection that asks once at a time and never again: what is refused or cut is an error. It costs little, so
 * that a rate is the server's. Every answer has to have a length.
 */
export class Wire {
  readonly #port: number;
  #connected: Socket | undefined;
  #waiting: Waiting | undefined;
  #rest: Buffer = nothing;
  #status = 0;
  #head = "";
  #left = -1;
  #used = performance.now();
  #parts: Buffer[] = [];
  #failed: Error | undefined;

  /** Connects when it first asks: the hive hangs up on who connects and says nothing for ten seconds. */
  constructor(port: number) {
    this.#port = port;
  }

  get #socket(): Socket {
    this.#connected ??= this.#connect();
    return this.#connected;
  }

  #connect(): Socket {
    const socket = createConnection({ host: "127.0.0.1", port: this.#port });
    socket.setNoDelay(true);
    socket.on("data", (data: Buffer) => this.#take(data));
    socket.on("error", (error) => this.#lost(socket, error));
    socket.on("close", () => this.#lost(socket, new Error("the connection was closed")));
    return socket;
  }

  /** Sends a request; with a sink the body goes there as it comes. */
  ask(request: Buffer, sink?: (part: Buffer) => void): Promise<Answer> {
    if (this.#failed) return Promise.reject(this.#failed);
    if (performance.now() - this.#used > kept) this.close();
    return new Promise((resolve, reject) => {
      this.#waiting = { sink, resolve, reject };
      this.#socket.write(request);
    });
  }

  /** Sends a request and the bytes of its body as the other side takes them. */
  async send(head: Buffer, body: Iterable<Buffer>): Promise<Answer> {
    const answered = this.ask(head);
    // Whoever is refused early hears it here; the rest of the body is not sent then.
    let isOver = false;
    const over = (): void => {
      isOver = true;
    };
    answered.then(over, over);
    for (const part of body) {
      if (isOver) break;
      if (this.#socket.write(part)) continue;
      const drained = new Promise<void>((resolve) => this.#socket.once("drain", resolve));
      await Promise.race([drained, answered]);
    }
    return answered;
  }

  // One that ends while nothing is asked is made anew; what was asked is never asked again.
  #lost(socket: Socket, error: Error): void {
    if (socket !== this.#connected) return;
    this.#connected = undefined;
    if (this.#waiting) this.#fail(error);
  }

  #fail(error: Error): void {
    this.#failed ??= error;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.reject(error);
  }

  #take(data: Buffer): void {
    let rest = this.#rest.length === 0 ? data : Buffer.concat([this.#rest, data]);
    if (this.#left < 0) {
      const end = rest.indexOf(blank);
      if (end < 0) {
        this.#rest = rest;
        return;
      }
      this.#head = rest.toString("latin1", 0, end);
      this.#status = Number(this.#head.slice(9, 12));
      const length = lengthOf(this.#head, this.#status);
      if (length === undefined) {
        this.close();
        this.#fail(new Error(`an answer without a length: ${this.#head}`));
        return;
      }
      this.#left = length;
      rest = rest.subarray(end + 4);
    }
    this.#rest = nothing;
    if (rest.length > 0) this.#body(rest);
    this.#left -= rest.length;
    if (this.#left === 0) this.#done();
  }

  #body(part: Buffer): void {
    const sink = this.#waiting?.sink;
    if (sink && this.#status < 300) sink(part);
    else this.#parts.push(part);
  }

  #done(): void {
    const waiting = this.#waiting;
    const answer = { status: this.#status, head: this.#head, body: Buffer.concat(this.#parts) };
    this.#waiting = undefined;
    this.#parts = [];
    this.#left = -1;
    this.#used = performance.now();
    waiting?.resolve(answer);
  }

  close(): void {
    const socket = this.#connected;
    this.#connected = undefined;
    socket?.destroy();
  }
}

function lengthOf(head: string, status: number): number | undefined {
  if (status === 204 || status === 304) return 0;
  const found = /^content-length: (\d+)/im.exec(head);
  return found ? Number(found[1]) : undefined;
}

/** The body of an answer that has to be good; its status and words are the error otherwise. */
export function good({ status, body }: Answer): Buffer {
  if (status < 200 || status > 299) throw new Error(`${status} ${body.toString().slice(0, 300)}`);
  return body;
}
