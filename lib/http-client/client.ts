import type { Credentials, Fetch, FetchAnswer, RequestBody } from "./fetch.ts";
import type { Answer, Description, FsReply, Listing, Problem } from "./answers.table.ts";
import type { Controls } from "./tree.table.ts";

/** A refusal, as the hive tells it. */
export class Refused extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail);
    this.name = "Refused";
    this.problem = problem;
  }
}

/** What goes beside a command. */
export interface CommandOptions {
  /** Runs once, however often it is sent. */
  readonly key?: string;
  /** Refused when the file is not as this entity tag says. */
  readonly match?: string;
  readonly trace?: string;
  readonly signal?: AbortSignal;
}

/** What goes beside a line; without a type, what begins with a brace is JSON. */
export interface AppendOptions extends CommandOptions {
  readonly type?: "application/json" | "text/plain";
}

/** What a request is made of, beside its method and target. */
export interface RequestOptions {
  readonly body?: RequestBody;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

/** A description with what `?view=stat` adds. */
export type Stat = Description & {
  readonly size: number;
  readonly version: number;
  readonly mtime: number;
  /** Path of the JSON twin. */
  readonly json?: string;
  readonly appendable?: boolean;
  /** What a control takes. */
  readonly line?: "text" | "json";
  readonly readable: boolean;
  readonly writable: boolean;
};

/** What a client is given. */
export interface ClientOptions {
  /** Scheme, host and port. */
  readonly origin: string;
  readonly fetch: Fetch;
  readonly credentials: Credentials;
}

/** A tree path as part of a URL. */
export function treeTarget(path: string): string {
  return `/v1/tree${path === "/" ? "" : path.split("/").map(encodeURIComponent).join("/")}`;
}

function ownProblem(status: number, code: string, detail: string): Problem {
  const isCut = status === 0;
  return {
    type: "about:blank",
    title: isCut ? "cut" : "internal",
    status,
    detail,
    code,
    kind: isCut ? "cut" : "internal",
    reason: isCut ? "cut" : "policy",
  };
}

async function problemOf(answer: FetchAnswer): Promise<Problem> {
  const text = await answer.text();
  try {
    const found = JSON.parse(text) as Partial<Problem>;
    if (typeof found.code === "string") return found as Problem;
  } catch {
    // Something between us and the hive answered.
  }
  const { status } = answer;
  return ownProblem(status, "client.status", `Cannot go on: the answer has status ${status}`);
}

const typeOf = (line: string): "application/json" | "text/plain" =>
  line.trimStart().startsWith("{") ? "application/json" : "text/plain";

/** A hive over HTTP. Every method throws `Refused` with the hive's own problem. */
export class HttpClient {
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  /**
   * One request; statuses from 400 on are thrown, and 304 is an answer. A hive that cannot be reached is refused with
   * `client.unreachable`, kind `cut`, status 0.
   */
  async request(
    method: string,
    target: string,
    { body, headers = {}, signal }: RequestOptions = {},
  ): Promise<FetchAnswer> {
    const { origin, fetch, credentials } = this.#options;
    const own = await credentials.headers(method, target, body);
    const answer = await fetch(origin + target, {
      method,
      headers: { ...headers, ...own },
      ...(body !== undefined && { body }),
      ...(signal && { signal }),
    }).catch((cause: unknown) => {
      if (signal?.aborted) throw cause;
      throw new Refused(ownProblem(0, "client.unreachable", "Cannot reach the hive"));
    });
    if (answer.status >= 400) throw new Refused(await problemOf(answer));
    return answer;
  }

  async #json<T>(method: string, target: string, body?: unknown): Promise<T> {
    const sent =
      body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
    return JSON.parse(await (await this.request(method, target, sent)).text()) as T;
  }

  /** The text of a file; `query` begins with `?`. */
  async text(path: string, query = ""): Promise<string> {
    return (await this.request("GET", treeTarget(path) + query)).text();
  }

  /** What a file says as JSON: a path that ends with `.json`, or a control's description. */
  json<T = unknown>(path: string): Promise<T> {
    return this.#json<T>("GET", treeTarget(path));
  }

  /** The bytes of a file. */
  async bytes(path: string): Promise<Uint8Array<ArrayBuffer>> {
    return new Uint8Array(await (await this.request("GET", treeTarget(path))).arrayBuffer());
  }

  /** One page of a directory, from the beginning or behind the `next` of an earlier one. */
  page(path: string, after?: string): Promise<Listing> {
    const query = after === undefined ? "" : `?after=${encodeURIComponent(after)}`;
    return this.#json<Listing>("GET", treeTarget(path) + query);
  }

  /** All names in a directory, read a page at a time. */
  async *list(path: string): AsyncGenerator<Listing["entries"][number]> {
    let after: string | undefined;
    do {
      const { entries, next } = await this.page(path, after);
      yield* entries;
      after = next;
    } while (after !== undefined);
  }

  /** What a file is: for forms and panels. */
  stat(path: string): Promise<Stat> {
    return this.#json<Stat>("GET", `${treeTarget(path)}?view=stat`);
  }

  /** Sends a command to a control of this release's tree; `waiting` is an answer, a refusal is thrown. */
  command<Path extends keyof Controls & string>(
    path: Path,
    command: Controls[Path],
    options?: CommandOptions,
  ): Promise<Answer> {
    return this.append(path, JSON.stringify(command), { ...options, type: "application/json" });
  }

  /** Appends to any control, value or stream. */
  async append(
    path: string,
    body: string,
    { key, match, trace, signal, type = typeOf(body) }: AppendOptions = {},
  ): Promise<Answer> {
    const headers = {
      "Content-Type": type,
      ...(key !== undefined && { "Idempotency-Key": key }),
      ...(match !== undefined && { "If-Match": match }),
      ...(trace !== undefined && { traceparent: trace }),
    };
    const answer = await this.request("POST", treeTarget(path), { body, headers, signal });
    const told = JSON.parse(await answer.text()) as Answer | Problem;
    return "verdict" in told ? told : { verdict: "waiting", result: told };
  }

  /** Stores the bytes of a blob, which its path names by their digest. */
  async put(path: string, body: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.request("PUT", treeTarget(path), {
      body,
      headers: { "Content-Type": "application/octet-stream" },
    });
  }

  /** A verb of the gateway; what its target refuses is an answer with `ERR`. `lines` is for TAIL. */
  fs(verb: "ls" | "cat" | "tail" | "stat", path: string, lines?: number): Promise<FsReply> {
    const more = lines === undefined ? "" : `&lines=${lines}`;
    return this.#json<FsReply>("GET", `/v1/fs/${verb}?path=${encodeURIComponent(path)}${more}`);
  }

  /** ECHO of one line; what its target refuses is an answer with `ERR`. */
  echo(path: string, line: string): Promise<FsReply> {
    return this.#json<FsReply>("POST", "/v1/fs/echo", { path, line });
  }

  /** Exchanges the code of a link for a session of this page; the cookie is the browser's business. */
  openSession(code: string, key: { readonly x: string; readonly y: string }): Promise<SessionState> {
    return this.#json<SessionState>("POST", "/v1/session", { code, key: { x: key.x, y: key.y } });
  }

  session(): Promise<SessionState> {
    return this.#json<SessionState>("GET", "/v1/session");
  }

  /** Lets the page write for some minutes; gives for how long, milliseconds. */
  async arm(minutes: number): Promise<number> {
    return (await this.#json<{ armed_ms: number }>("POST", "/v1/session/arm", { minutes })).armed_ms;
  }

  async disarm(): Promise<void> {
    await this.request("DELETE", "/v1/session/arm");
  }

  /** Ends the session of this page. */
  async signOff(): Promise<void> {
    await this.request("DELETE", "/v1/session");
  }
}

/** Who asks, and for how long a page may write. */
export interface SessionState {
  readonly session?: string;
  readonly subject: string;
  readonly role: string;
  /** Milliseconds since 1970. */
  readonly until?: number;
  readonly armed_ms?: number;
  /** The hive's clock, milliseconds since 1970. */
  readonly now: number;
}
