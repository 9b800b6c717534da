import { createConnection } from "node:net";
import { type Client, createClient, type RemoteFile, wireFromSocket } from "@skep/ninep";

/** A worker of a crowd, and where its hive is. */
export interface Given {
  readonly id: string;
  readonly ticket: string;
}

/** A place to connect to. */
export interface At {
  readonly host: string;
  readonly port: number;
}

async function dial(at: At): Promise<ReturnType<typeof createConnection>> {
  const socket = createConnection({ ...at, noDelay: true });
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  return socket;
}

/** One worker: a connection and a session of its own, its inbox followed, its telemetry open. */
export class ScaleWorker {
  readonly given: Given;
  #client: Client | undefined;
  #telemetry: RemoteFile | undefined;

  constructor(given: Given) {
    this.given = given;
  }

  get present(): boolean {
    return this.#telemetry !== undefined;
  }

  /** As a worker does it: attach, follow the inbox, say hello. Resolves with a promise of the connection's end. */
  async attach(at: At): Promise<{ readonly over: Promise<unknown> }> {
    const { id, ticket } = this.given;
    const client = await createClient(wireFromSocket(await dial(at)), { aname: ticket, window: 8 });
    try {
      const inbox = await client.open(`/worker/${id}/inbox.follow`);
      const hello = { op: "hello", incarnation: `scale-${id}`, slots: 1, kinds: ["wasm"] };
      await client.append(`/worker/${id}/ctl`, JSON.stringify(hello));
      this.#telemetry = await client.open(`/worker/${id}/telemetry`, "append");
      this.#client = client;
      void this.#follow(inbox);
    } catch (thrown) {
      await client.close();
      throw thrown;
    }
    const over = client.closed.finally(() => {
      this.#telemetry = undefined;
      this.#client = undefined;
    });
    return { over };
  }

  // Nothing is given to it; the read that waits is what a session of an idle worker costs.
  async #follow(inbox: RemoteFile): Promise<void> {
    try {
      for await (const _ of inbox.follow());
    } catch {
      // The connection has ended.
    }
  }

  /** One record; throws when it was not taken whole. */
  async tell(record: Buffer): Promise<void> {
    const file = this.#telemetry;
    if (!file) throw new Error("not attached");
    const taken = await file.write(record);
    if (taken !== record.length) throw new Error(`${taken} of ${record.length} bytes were taken`);
  }

  async close(): Promise<void> {
    await this.#client?.close();
  }
}
