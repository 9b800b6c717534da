import { createConnection, type Socket } from "node:net";
import { decode, DIALECT, encode, type Message, NOFID, NONUNAME } from "@skep/ninep";
import { createRoot, mint } from "@skep/ticket";
import { hiveKeys } from "../hive/keys.ts";

/** Attaches on one connection: each keeps one fid, and needs another for a moment. */
const each = 250;

/** One connection that asks one thing after the other. */
class Line {
  readonly #socket: Socket;
  #bytes = Buffer.alloc(0);
  #heard: ((message: Message) => void) | undefined;
  #failed: ((error: Error) => void) | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("error", (error) => this.#failed?.(error));
    socket.on("close", () => this.#failed?.(new Error("the daemon hung up")));
    socket.on("data", (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      if (this.#bytes.length < 4 || this.#bytes.length < this.#bytes.readUInt32LE()) return;
      const message = decode(this.#bytes.subarray(0, this.#bytes.readUInt32LE()));
      this.#bytes = this.#bytes.subarray(this.#bytes.readUInt32LE());
      this.#heard?.(message);
    });
  }

  async ask(message: object): Promise<void> {
    const heard = await new Promise<Message>((resolve, reject) => {
      this.#heard = resolve;
      this.#failed = reject;
      this.#socket.write(encode(message as Message));
    });
    if (heard.type === "Rlerror") throw new Error(`${JSON.stringify(message)}: ${JSON.stringify(heard)}`);
  }

  /** A session of its own for a worker, which says hello in it. */
  async attach(fid: number, id: string, ticket: string): Promise<void> {
    const attach = { fid, afid: NOFID, uname: "", aname: ticket, nUname: NONUNAME };
    await this.ask({ type: "Tattach", tag: 1, ...attach });
    const file = 1_000_000;
    await this.ask({ type: "Twalk", tag: 1, fid, newfid: file, names: ["worker", id, "ctl"] });
    await this.ask({ type: "Tlopen", tag: 1, fid: file, flags: 1 });
    const data = Buffer.from('{"op":"hello","incarnation":"crowd-0001"}\n');
    await this.ask({ type: "Twrite", tag: 1, fid: file, offset: 0, data });
    await this.ask({ type: "Tclunk", tag: 1, fid: file });
  }
}

/** Names of so many workers. */
export function crowdOf(workers: number): string[] {
  return Array.from({ length: workers }, (_, at) => `crowd-${String(at).padStart(4, "0")}`);
}

/** Lets workers attach to the daemon of a home, each with its own ticket and session, over few connections. */
export async function attachCrowd(home: string, port: number, workers: number): Promise<Disposable> {
  const { hive, ticket } = hiveKeys(home);
  const root = createRoot(ticket.key);
  const sockets: Socket[] = [];
  const ids = crowdOf(workers);
  const lines = Array.from({ length: Math.ceil(workers / each) }, async (_, line) => {
    const socket = createConnection({ host: "127.0.0.1", port });
    sockets.push(socket);
    const asked = new Line(socket);
    await asked.ask({ type: "Tversion", tag: 0xffff, msize: 65_536, version: DIALECT });
    for (const [fid, id] of ids.slice(line * each, (line + 1) * each).entries()) {
      const rights = [{ path: `/worker/${id}`, verb: "rw" as const }];
      await asked.attach(
        fid,
        id,
        await mint(root, { hive, subject: id, role: "worker", rights, issuedAt: Date.now() }),
      );
    }
  });
  await Promise.all(lines);
  return {
    [Symbol.dispose]: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}
