import { connect } from "node:net";
import { type Duplex, duplexPair } from "node:stream";
import type { Context } from "@skep/edge-cli";
import { createConsole } from "@skep/edge-console";
import { faults } from "@skep/fault";
import { encodeFrame, FrameReader, frameCap } from "@skep/grammar";
import { realClock } from "../clock.ts";
import { connect as connectHive, targetOf } from "../client/connect.ts";
import { version } from "../version.ts";
import { remoteSession } from "./remote-session.ts";

const fault = faults("script", {
  down: ["cut", "Cannot reach the console", { cure: "Start the hive with `skep up --console 31337`" }],
  gone: ["cut", "Cannot go on: the console closed the connection"],
  token: ["denied", "Cannot talk to the console: it does not take the token"],
});

/** The console of a hive elsewhere, and what lets one in. */
export interface Place {
  readonly host: string;
  readonly port: number;
  readonly token: string;
}

/** Whether a line ends the connection. */
const quits = (line: string): boolean => /^[ \t]*quit\b/i.test(line);
const fence = "OK PING reply=pong";

/** A conversation in the console's frames. */
export class Talk implements AsyncDisposable {
  readonly #stream: Duplex;
  readonly #reader = new FrameReader(frameCap);
  readonly #lines: string[] = [];
  #over = false;
  #wake: () => void = () => undefined;
  readonly #end: () => Promise<void>;

  private constructor(stream: Duplex, end: () => Promise<void> = async () => undefined) {
    this.#stream = stream;
    this.#end = end;
    const over = (): void => {
      this.#over = true;
      this.#wake();
    };
    stream.on("data", (chunk: Buffer) => {
      for (const event of this.#reader.push(chunk)) if (event.kind === "line") this.#lines.push(event.text);
      this.#wake();
    });
    stream.on("end", over).on("close", over).on("error", over);
  }

  /** With the console of a hive, AUTH behind it. Throws `script.{down,token}`. */
  static async over({ host, port, token }: Place): Promise<Talk> {
    const socket = await new Promise<Duplex>((resolve, reject) => {
      const made = connect({ host, port, noDelay: true }, () => resolve(made));
      made.once("error", (cause) => reject(fault.down(`${host}:${port}`, { cause })));
    });
    const talk = new Talk(socket);
    talk.#say(`AUTH ${token}`);
    if ((await talk.#line()) !== "OK AUTH") throw fault.token();
    return talk;
  }

  /** With the hive that a command means, over 9P: a console of its own answers, so none has to be on there. */
  static async within(context: Pick<Context, "global" | "io" | "signal">): Promise<Talk> {
    const target = targetOf(context);
    const served = createConsole({
      token: "local",
      clock: realClock,
      about: { name: "skep", version, startedAt: realClock.now(), memory },
      login: async ({ ticket }) => ({
        session: remoteSession(
          await connectHive(ticket === undefined ? target : { ...target, aname: ticket }, context.signal),
        ),
      }),
    });
    const [near, far] = duplexPair();
    void served.serve(Object.assign(far, { setNoDelay: () => undefined }));
    const talk = new Talk(near, async () => served[Symbol.asyncDispose]());
    talk.#say("AUTH local");
    await talk.#line();
    return talk;
  }

  #say(...lines: readonly string[]): void {
    this.#stream.write(Buffer.concat(lines.map(encodeFrame)));
  }

  async #line(): Promise<string | undefined> {
    while (this.#lines.length === 0 && !this.#over)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    return this.#lines.shift();
  }

  /** Sends several lines in one go and gives the acknowledgement of each; for lines that have one of one line. Throws `script.gone`. */
  async acknowledged(lines: readonly string[]): Promise<readonly string[]> {
    this.#say(...lines);
    const told: string[] = [];
    for (const line of lines) {
      const next = await this.#line();
      if (next === undefined) throw fault.gone(line);
      told.push(next);
    }
    return told;
  }

  /** Sends half of a frame and breaks the connection, as a failing network does. */
  breakOff(line: string): void {
    const frame = encodeFrame(line);
    this.#stream.write(frame.subarray(0, Math.ceil(frame.length / 2)));
    this.#stream.destroy();
  }

  /** Sends one line and gives all that answers it: a PING behind it tells where that ends. Throws `script.gone`. */
  async ask(line: string): Promise<string[]> {
    const last = quits(line);
    this.#say(line, ...(last ? [] : ["PING"]));
    const lines: string[] = [];
    // PING's own answer is the same line: the second one belongs to the fence.
    let fences = /^[ \t]*ping[ \t]*$/i.test(line) ? 2 : 1;
    for (;;) {
      const next = await this.#line();
      if (next === undefined) {
        if (last) return lines;
        throw fault.gone(line);
      }
      if (next === fence && !last) fences -= 1;
      if (fences === 0) break;
      lines.push(next);
    }
    await this.#line();
    return lines;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stream.destroy();
    await this.#end();
  }
}

function memory(): { resident: number; heap: number; buffers: number } {
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
  return { resident: rss, heap: heapUsed, buffers: arrayBuffers };
}
