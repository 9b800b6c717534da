import { createServer, type Server } from "node:http";

interface FakeContainer {
  running: boolean;
  started: number;
}

const idOf = (name: string): string => Buffer.from(name).toString("hex").padEnd(64, "0");

/** Stands in for Docker and Podman on a unix socket: the part of their API that is used, and nothing else. */
export class FakeEngine implements AsyncDisposable {
  readonly containers = new Map<string, FakeContainer>();
  /** What was done, in order: `restart web`. */
  readonly done: string[] = [];
  /** Paths that were asked for and are no part of the API. */
  readonly strange: string[] = [];
  /** Cuts the connection after the act, before the answer. */
  mute = false;
  readonly #server: Server;
  #starts = 0;

  constructor(names: readonly string[]) {
    for (const name of names) this.containers.set(name, { running: true, started: this.#next() });
    this.#server = createServer((request, answer) => {
      const url = new URL(request.url ?? "/", "http://engine");
      const told = this.#answer(request.method ?? "", url);
      if (told === undefined) return request.socket.destroy();
      answer.writeHead(told.status, { "content-type": "application/json" });
      return answer.end(told.body === undefined ? undefined : JSON.stringify(told.body));
    });
  }

  #next(): number {
    this.#starts += 1;
    return this.#starts;
  }

  listen(path: string): Promise<void> {
    return new Promise((resolve) => this.#server.listen(path, resolve));
  }

  #answer(method: string, { pathname, searchParams }: URL): { status: number; body?: unknown } | undefined {
    const [, version, kind, name = "", verb = ""] = pathname.split("/");
    if (version !== "v1.40" || kind !== "containers") {
      this.strange.push(pathname);
      return { status: 404, body: { message: "page not found" } };
    }
    if (method === "GET" && name === "json")
      return { status: 200, body: this.#list(searchParams.get("all") === "1") };
    const meant = this.#meant(decodeURIComponent(name));
    const found = this.containers.get(meant);
    if (!found) return { status: 404, body: { message: `No such container: ${name}` } };
    if (method === "GET" && verb === "json") return { status: 200, body: this.#inspect(meant, found) };
    return this.#act(meant, found, verb);
  }

  // A name, an id, or what an id begins with.
  #meant(name: string): string {
    if (this.containers.has(name)) return name;
    return [...this.containers.keys()].find((one) => idOf(one).startsWith(name)) ?? "";
  }

  #list(all: boolean): unknown[] {
    return [...this.containers]
      .filter(([, { running }]) => all || running)
      .map(([name, { running }]) => ({
        Id: idOf(name),
        Names: [`/${name}`],
        Image: "busybox",
        State: running ? "running" : "exited",
        Status: "",
      }));
  }

  #inspect(name: string, { running, started }: FakeContainer): unknown {
    const StartedAt = new Date(started * 1000).toISOString();
    const Status = running ? "running" : "exited";
    return {
      Id: idOf(name),
      Name: `/${name}`,
      State: { Status, Running: running, StartedAt, FinishedAt: "" },
    };
  }

  #act(name: string, found: FakeContainer, verb: string): { status: number; body?: unknown } | undefined {
    if (!["start", "stop", "restart"].includes(verb)) {
      this.strange.push(`${name}/${verb}`);
      return { status: 404, body: { message: "page not found" } };
    }
    if (verb !== "restart" && found.running === (verb === "start")) return { status: 304 };
    this.done.push(`${verb} ${name}`);
    found.running = verb !== "stop";
    if (found.running) found.started = this.#next();
    return this.mute ? undefined : { status: 204 };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }
}
