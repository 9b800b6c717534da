import { toFault } from "@skep/fault";
import type { Client, RemoteFile } from "@skep/ninep";
import type { Daemon } from "./daemon.ts";

/** One keyed control line that was sent. */
export interface Sent {
  readonly key: string;
  readonly path: string;
  readonly command: Readonly<Record<string, unknown>>;
  /** What came back: nothing while it is open, and for ever when the connection ended first. */
  fate: "open" | "accepted" | "refused";
}

/** What a load is made of. */
export interface LoadOptions {
  readonly sessions: number;
  /** Lines in flight in each session. */
  readonly window: number;
  /** The next line, of that number. */
  readonly line: (number: number) => Pick<Sent, "path" | "command">;
  /** Comes first in every key. */
  readonly name: string;
}

/** Keyed controls over the unix socket, as many at a time as the windows take, until the daemon is gone. */
export class Load {
  readonly sent: Sent[] = [];
  accepted = 0;
  readonly #options: LoadOptions;
  readonly #waiting: { readonly count: number; readonly done: () => void }[] = [];
  #stopped = false;

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  /** Resolves when so many lines were accepted; never, when the daemon is gone before. */
  untilAccepted(count: number): Promise<void> {
    return new Promise((done) => this.#waiting.push({ count, done }));
  }

  /** Sends no more; what is in flight is still waited for. */
  stop(): void {
    this.#stopped = true;
  }

  /** Runs until it is stopped or every connection has ended. */
  async run(daemon: Daemon): Promise<void> {
    const { sessions } = this.#options;
    await Promise.all(Array.from({ length: sessions }, () => this.#session(daemon)));
  }

  async #session(daemon: Daemon): Promise<void> {
    const client = await daemon.connect().catch(() => undefined);
    if (!client) return;
    const files = new Map<string, Promise<RemoteFile>>();
    const chains = Array.from({ length: this.#options.window }, () => this.#chain(client, files));
    await Promise.all(chains);
    await client.close();
  }

  async #chain(client: Client, files: Map<string, Promise<RemoteFile>>): Promise<void> {
    while (!this.#stopped && (await this.#one(client, files)));
  }

  // False when the daemon is gone: nobody knows then what became of the line.
  async #one(client: Client, files: Map<string, Promise<RemoteFile>>): Promise<boolean> {
    const number = this.sent.length;
    const sent: Sent = {
      key: `${this.#options.name}-${number}`,
      ...this.#options.line(number),
      fate: "open",
    };
    this.sent.push(sent);
    try {
      const file = files.get(sent.path) ?? client.open(sent.path, "append");
      files.set(sent.path, file);
      await (await file).write(lineOf(sent));
      sent.fate = "accepted";
      this.#accepted();
      return true;
    } catch (thrown) {
      if (toFault(thrown).code !== "ninep.remote") return false;
      sent.fate = "refused";
      return true;
    }
  }

  #accepted(): void {
    this.accepted += 1;
    for (const { count, done } of this.#waiting) if (count === this.accepted) done();
  }
}

/** The line as it is written. */
export function lineOf({ command, key }: Pick<Sent, "command" | "key">): Buffer {
  return Buffer.from(`${JSON.stringify({ ...command, $key: key })}\n`);
}
