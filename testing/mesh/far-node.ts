import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Host } from "../lab/lab.ts";
import type { MeshEvent, MeshOptions, PeerView } from "@skep/edge-mesh";

const program = fileURLToPath(new URL("node.ts", import.meta.url));

/** What asking a node to ask another gave. */
export interface Asked {
  readonly path: string;
  readonly transport: string;
  readonly address: string;
  /** Milliseconds. */
  readonly opened: number;
  readonly first: number;
  readonly rtt?: number;
  readonly error?: string;
  readonly code?: string;
}

/** A node in a process of its own, in a machine of a lab or beside us. */
export class FarNode {
  readonly child: ChildProcess;
  readonly events: MeshEvent[] = [];
  peer = "";
  addresses: readonly string[] = [];
  #ids = 0;
  #left = "";
  #error = "";
  readonly #waiting = new Map<number, (answer: never) => void>();
  readonly #watching = new Set<(event: MeshEvent) => void>();
  readonly #ready = Promise.withResolvers<void>();

  constructor(
    host: Host | undefined,
    options: { readonly name: string } & Partial<Omit<MeshOptions, "key" | "clock">>,
    flags: readonly string[] = [],
  ) {
    const args = ["--disable-warning=ExperimentalWarning", ...flags, program, JSON.stringify(options)];
    const stdio = ["pipe", "pipe", "pipe"] as const;
    this.child = host
      ? host.spawn(process.execPath, args, { stdio: [...stdio] })
      : spawn(process.execPath, args, { stdio: [...stdio] });
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#error += text;
    });
    this.child.stdout?.setEncoding("utf8").on("data", (text: string) => this.#read(text));
    this.child.once("exit", (code) =>
      this.#ready.reject(new Error(`the node ended with ${code}: ${this.#error}`)),
    );
  }

  static async start(...given: ConstructorParameters<typeof FarNode>): Promise<FarNode> {
    const node = new FarNode(...given);
    await node.#ready.promise;
    return node;
  }

  #read(text: string): void {
    const lines = `${this.#left}${text}`.split("\n");
    this.#left = lines.pop() ?? "";
    for (const line of lines) this.#hear(JSON.parse(line) as never);
  }

  #hear(said: { event?: MeshEvent; ready?: { peer: string; addresses: string[] }; id?: number }): void {
    if (said.event) {
      this.events.push(said.event);
      for (const act of [...this.#watching]) act(said.event);
    } else if (said.ready) {
      ({ peer: this.peer, addresses: this.addresses } = said.ready);
      this.#ready.resolve();
    } else if (said.id !== undefined) {
      this.#waiting.get(said.id)?.(said as never);
      this.#waiting.delete(said.id);
    }
  }

  #command<T>(command: object): Promise<T> {
    const id = ++this.#ids;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve as never);
      this.child.stdin?.write(`${JSON.stringify({ id, ...command })}\n`);
    });
  }

  /** Opens a stream and asks once or more over it. */
  ask(to: string | readonly string[], times = 1): Promise<Asked> {
    return this.#command({ do: "ask", to, times });
  }

  /** The same, and keeps the stream. */
  hold(to: string | readonly string[]): Promise<Asked> {
    return this.#command({ do: "hold", to });
  }

  async peers(): Promise<readonly PeerView[]> {
    return (await this.#command<{ peers: PeerView[] }>({ do: "peers" })).peers;
  }

  async why(peer: string): Promise<readonly string[]> {
    return (await this.#command<{ why: string[] }>({ do: "why", peer })).why;
  }

  async now(): Promise<readonly string[]> {
    return (await this.#command<{ addresses: string[] }>({ do: "addresses" })).addresses;
  }

  collect(): Promise<unknown> {
    return this.#command({ do: "collect" });
  }

  memory(): Promise<{
    readonly rss: number;
    readonly heapUsed: number;
    readonly cpu: number;
    readonly connections: number;
  }> {
    return this.#command({ do: "memory" });
  }

  /** The first event, past or to come, that is wanted; `late` ends the wait by failing. */
  until(wanted: (event: MeshEvent) => boolean, ms = 30_000, from = 0): Promise<MeshEvent> {
    const past = this.events.slice(from).find(wanted);
    if (past) return Promise.resolve(past);
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        this.#watching.delete(act);
        reject(new Error(`nothing of it in ${ms} ms; last: ${JSON.stringify(this.events.slice(-5))}`));
      }, ms);
      const act = (event: MeshEvent) => {
        if (!wanted(event)) return;
        clearTimeout(late);
        this.#watching.delete(act);
        resolve(event);
      };
      this.#watching.add(act);
    });
  }

  async end(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill(signal);
    await gone;
  }
}
