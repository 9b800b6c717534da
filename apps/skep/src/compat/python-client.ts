// The original's Python client over TCP, as far as its bytes and its patience go (facts of the original control plane, §10).
import { createConnection, type Socket } from "node:net";

/** A refusal, or an answer that this client cannot read. */
export class PythonFault extends Error {}

const header = 4;
const mostFrame = 8192;
const mostLine = 256;
const mostPayload = 128;
const ackLines = 12;
const patience = 2000;

const isAck = (line: string): boolean => line.startsWith("OK ") || line.startsWith("ERR ");

/** What it reads and writes; no QUIT is ever sent. */
export class PythonClient {
  readonly #socket: Socket;
  #bytes = Buffer.alloc(0);
  #ended = false;
  #wake: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (data: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, data]);
      this.#wake();
    });
    socket.on("close", () => {
      this.#ended = true;
      this.#wake();
    });
    socket.on("error", () => undefined);
  }

  /** AUTH, then ATTACH with whatever ticket there is, the empty one too. */
  static async attach(
    at: { readonly host: string; readonly port: number },
    token: string,
    role = "queen",
    ticket = "",
  ): Promise<PythonClient> {
    const socket = createConnection(at);
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    const client = new PythonClient(socket);
    client.#send(`AUTH ${token}`);
    await client.#ack("AUTH");
    client.#send(`ATTACH ${role} ${ticket}`);
    await client.#ack("ATTACH");
    return client;
  }

  // Header and payload are two writes, as a socket without a buffer makes them.
  #send(line: string): void {
    const payload = Buffer.from(line, "latin1");
    const head = Buffer.alloc(header);
    head.writeUInt32LE(header + payload.length);
    this.#socket.write(head);
    this.#socket.write(payload);
  }

  async #take(count: number): Promise<Buffer> {
    while (this.#bytes.length < count) {
      if (this.#ended) throw new PythonFault("connection closed");
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new PythonFault("timed out")), patience);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    const taken = this.#bytes.subarray(0, count);
    this.#bytes = this.#bytes.subarray(count);
    return taken;
  }

  async #line(): Promise<string> {
    const total = (await this.#take(header)).readUInt32LE();
    if (total < header || total > mostFrame) throw new PythonFault(`frame of ${total} bytes`);
    const payload = await this.#take(total - header);
    if (payload.length > mostLine) throw new PythonFault(`line of ${payload.length} bytes`);
    if (payload.some((byte) => byte > 127)) throw new PythonFault("a line that is not ASCII");
    return payload.toString("latin1");
  }

  async #ack(verb: string): Promise<string> {
    for (let at = 0; at < ackLines; at += 1) {
      const line = await this.#line();
      if (line.startsWith(`ERR ${verb}`)) throw new PythonFault(line);
      if (line === `OK ${verb}` || line.startsWith(`OK ${verb} `)) return line;
    }
    throw new PythonFault(`no acknowledgement of ${verb}`);
  }

  async #listed(verb: "LS" | "CAT", path: string): Promise<readonly string[]> {
    this.#send(`${verb} ${path}`);
    const ack = await this.#ack(verb);
    const lines: string[] = [];
    for (;;) {
      const line = await this.#line();
      if (line === "END") break;
      // What answers something else is left out.
      if (!isAck(line)) lines.push(line);
    }
    const [, data = ""] = /\bdata=(.*)$/.exec(ack) ?? [];
    return lines.length > 0 || data === "" ? lines : data.split("|");
  }

  /** Names below a path. */
  list(path: string): Promise<readonly string[]> {
    return this.#listed("LS", path);
  }

  /** Lines of a file; its summary where the console sends no lines. */
  read(path: string): Promise<readonly string[]> {
    return this.#listed("CAT", path);
  }

  /** Appends one line of at most 128 bytes; longer ones are refused here. Gives how many bytes the console counted. */
  async write(path: string, line: string): Promise<number> {
    if (Buffer.byteLength(line) > mostPayload || /[\r\n]/.test(line))
      throw new PythonFault("one line, 128 bytes");
    this.#send(`ECHO ${path} ${line}`);
    const ack = await this.#ack("ECHO");
    return Number(/\bbytes=(\d+)/.exec(ack)?.[1]);
  }

  /** Goes without a word. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#socket.once("close", () => resolve()));
    this.#socket.destroy();
    await closed;
  }
}
