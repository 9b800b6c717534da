import { connect, type Socket } from "node:net";
import { encodeFrame, FrameReader, frameCap } from "@skep/grammar";

/** A console client that says exactly what it is told to, byte for byte if need be. */
export class ConsoleClient {
  readonly #socket: Socket;
  readonly #reader = new FrameReader(frameCap);
  readonly #lines: string[] = [];
  #over = false;
  #wake: () => void = () => undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    const over = () => {
      this.#over = true;
      this.#wake();
    };
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => {
      for (const event of this.#reader.push(chunk))
        if (event.kind === "line") this.#lines.push(event.text);
        else throw new Error(`the server sent a bad frame: ${event.kind}`);
      this.#wake();
    });
    socket.on("end", over);
    socket.on("close", over);
    socket.on("error", over);
  }

  static connect(at: { readonly host: string; readonly port: number }): Promise<ConsoleClient> {
    return new Promise((resolve, reject) => {
      const socket = connect(at, () => resolve(new ConsoleClient(socket)));
      socket.once("error", reject);
    });
  }

  /** Connected, with AUTH and ATTACH behind it; throws what they were answered with when that is no OK. */
  static async attached(
    at: { readonly host: string; readonly port: number },
    token: string,
    role: string,
    ticket = "",
  ): Promise<ConsoleClient> {
    const client = await ConsoleClient.connect(at);
    client.say(`AUTH ${token}`, `ATTACH ${role} ${ticket}`);
    for (const wanted of ["OK AUTH", "OK ATTACH"]) {
      const line = await client.line();
      if (!line?.startsWith(wanted)) throw new Error(`expected ${wanted}, the console said ${line}`);
    }
    return client;
  }

  /** Sends bytes as they are. */
  send(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Sends lines, each as a frame. */
  say(...lines: readonly string[]): void {
    this.send(Buffer.concat(lines.map(encodeFrame)));
  }

  /** The next line of the server; undefined once it has hung up. */
  async line(): Promise<string | undefined> {
    while (this.#lines.length === 0 && !this.#over)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    return this.#lines.shift();
  }

  /** Every line until the server hangs up. */
  async rest(): Promise<string[]> {
    const lines: string[] = [];
    for (let line = await this.line(); line !== undefined; line = await this.line()) lines.push(line);
    return lines;
  }

  /**
   * All lines that answer one line: a PING behind it tells where they end. QUIT is answered to the end of the
   * connection.
   */
  async ask(line: string): Promise<string[]> {
    const quits = /^\s*quit\b/i.test(line);
    this.say(line, ...(quits ? [] : ["PING"]));
    if (quits) return this.rest();
    const lines: string[] = [];
    for (let next = await this.line(); next !== "OK PING reply=pong"; next = await this.line()) {
      if (next === undefined) throw new Error(`the console hung up after ${line}: ${lines.join(" | ")}`);
      lines.push(next);
    }
    await this.line();
    // PING's own answer is the same line: the second one belongs to the fence.
    if (!/^[ \t]*ping[ \t]*$/i.test(line)) return lines;
    await this.line();
    await this.line();
    return ["OK PING reply=pong", "PONG"];
  }

  async close(): Promise<void> {
    this.#socket.destroy();
  }
}
