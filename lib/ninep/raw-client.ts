// A client that sends exactly what a test says and keeps every answer; for the tests of this package.
import { type Body, decode, encode, type Message, type RequestName } from "./codec.ts";
import { DIALECT, NOFID, NONUNAME, NOTAG } from "./constants.ts";
import { Framer } from "./framer.ts";
import type { Host } from "./host.ts";
import { type Connection, type ServeOptions, serve } from "./server.ts";
import { memoryWires, type Wire } from "./wire.ts";

/** One connection spoken by hand. */
export class RawClient {
  readonly wire: Wire;
  /** What came and was not taken yet. */
  readonly answers: Message[] = [];
  ended = false;
  readonly #framer = new Framer(1 << 24);
  #woken = Promise.withResolvers<void>();

  constructor(wire: Wire) {
    this.wire = wire;
    wire.listen({
      data: (bytes) => {
        this.#framer.push(bytes);
        while (this.#framer.next()) {
          const { bytes: all, start, end } = this.#framer;
          this.answers.push(decode(all.subarray(start, end)));
        }
        this.#wake();
      },
      drain: () => undefined,
      closed: () => {
        this.ended = true;
        this.#wake();
      },
    });
  }

  #wake(): void {
    this.#woken.resolve();
    this.#woken = Promise.withResolvers<void>();
  }

  send<N extends RequestName>(type: N, tag: number, body: Body<N>): void {
    this.wire.write(encode({ type, tag, ...body } as unknown as Message));
  }

  /** The next answer; undefined when the connection ends before one. */
  async next(): Promise<Message | undefined> {
    while (this.answers.length === 0 && !this.ended) await this.#woken.promise;
    return this.answers.shift();
  }

  /** Sends with tag 1 and takes the next answer. */
  async ask<N extends RequestName>(type: N, body: Body<N>): Promise<Message | undefined> {
    this.send(type, 1, body);
    return await this.next();
  }

  /** The errno of the answer, 0 where it was none. */
  async errno<N extends RequestName>(type: N, body: Body<N>): Promise<number> {
    const answer = await this.ask(type, body);
    return answer?.type === "Rlerror" ? answer.ecode : 0;
  }

  async attach(msize = 65_536): Promise<this> {
    this.send("Tversion", NOTAG, { msize, version: DIALECT });
    await this.next();
    await this.ask("Tattach", { fid: 0, afid: NOFID, uname: "", aname: "", nUname: NONUNAME });
    return this;
  }

  /** Walks from the root to a new fid and opens it. */
  async open(newfid: number, path: string, flags = 0): Promise<void> {
    const names = path.split("/").filter((name) => name !== "");
    await this.ask("Twalk", { fid: 0, newfid, names });
    await this.ask("Tlopen", { fid: newfid, flags });
  }
}

/** A served host and who talks to it. */
export async function rawClient(
  host: Host,
  options: ServeOptions = {},
): Promise<{ raw: RawClient; connection: Connection }> {
  const [here, there] = memoryWires();
  const connection = serve(there, host, options);
  return { raw: await new RawClient(here).attach(), connection };
}
