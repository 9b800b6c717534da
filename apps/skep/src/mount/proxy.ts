import { createServer, type Server, type Socket } from "node:net";
import { Transform, type TransformCallback } from "node:stream";
import { pipeline } from "node:stream/promises";
import { faults } from "@skep/fault";
import { decode, encode, numberOf } from "@skep/ninep";
import { dial, type Target } from "../client/connect.ts";

const fault = faults("proxy", {
  frame: ["invalid", "Cannot pass on what is no 9P message"],
  aname: ["invalid", "Cannot attach to a name that is no path"],
});

/** Longest request that is passed on: 1 MiB of data, the largest msize that a hive takes, and its header. */
const longest = 1024 * 1024 + 64;
const attach = numberOf("Tattach");

/** The request with the ticket in place of what the client said; a path below the root stays. */
function withTicket(frame: Buffer, ticket: string): Uint8Array {
  const message = decode(frame);
  if (message.type !== "Tattach") throw fault.frame(message.type);
  const { aname } = message;
  const path = /^:?(\/.*)?$/s.exec(aname)?.[1];
  if (aname !== "" && path === undefined) throw fault.aname(aname);
  return encode({ ...message, aname: path === undefined ? ticket : `${ticket}:${path}` });
}

/** Passes requests on as they are, but for attaches, which get the ticket: it never stands in a mount's options. */
export class TicketInserter extends Transform {
  readonly #ticket: string;
  #held: Buffer = Buffer.alloc(0);

  constructor(ticket: string) {
    super();
    this.#ticket = ticket;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    try {
      this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
      for (let size = this.#next(); size > 0; size = this.#next()) {
        const frame = this.#held.subarray(0, size);
        this.push(frame[4] === attach ? withTicket(frame, this.#ticket) : frame);
        this.#held = this.#held.subarray(size);
      }
      done();
    } catch (thrown) {
      done(thrown as Error);
    }
  }

  // Length of the whole frame at the front, or 0 when more has to come.
  #next(): number {
    if (this.#held.length < 7) return 0;
    const size = this.#held.readUInt32LE(0);
    if (size < 7 || size > longest) throw fault.frame(`${size} bytes`);
    return this.#held.length >= size ? size : 0;
  }
}

/** A unix socket that speaks for a ticket, until it is disposed of. */
export interface TicketProxy extends AsyncDisposable {
  readonly path: string;
}

async function serve(client: Socket, target: Target, report: (line: string) => void): Promise<void> {
  try {
    const hive = await dial(target);
    await Promise.all([pipeline(client, new TicketInserter(target.aname), hive), pipeline(hive, client)]);
  } catch (thrown) {
    report(`connection ended: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
    client.destroy();
  }
}

/** Listens at `path`, whose directory only its owner may enter. */
export async function openProxy(
  path: string,
  target: Target,
  report: (line: string) => void,
): Promise<TicketProxy> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    void serve(socket, target, report);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
