import type { Credentials, Fetch, FetchAnswer } from "./fetch.ts";
import type { Answer, Controls, Description, Listing, Problem } from "./tree.table.ts";

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

/** A description with what `?view=stat` adds. */
export type Stat = Description & {
  readonly size: number;
  readonly version: number;
  readonly mtime: number;
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

async function problemOf(answer: FetchAnswer): Promise<Problem> {
  const text = await answer.text();
  try {
    const found = JSON.parse(text) as Partial<Problem>;
    if (typeof found.code === "string") return found as Problem;
  } catch {
    // Something between us and the hive answered.
  }
  const { status } = answer;
  return {
    type: "about:blank",
    title: "internal",
    status,
    detail: `Cannot go on: the answer has status ${status}`,
    code: "client.status",
    kind: "internal",
    reason: "policy",
  };
}

/** A hive over HTTP. Every method throws `Refused` with the hive's own problem. */
export class HttpClient {
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  /** One request; statuses from 400 on are thrown. */
  async request(
    method: string,
    target: string,
    {
      body = "",
      headers = {},
      signal,
    }: {
      readonly body?: string;
      readonly headers?: Readonly<Record<string, string>>;
      readonly signal?: AbortSignal | undefined;
    } = {},
  ): Promise<FetchAnswer> {
    const { origin, fetch, credentials } = this.#options;
    const own = await credentials.headers(method, target, body);
    const answer = await fetch(origin + target, {
      method,
      headers: { ...headers, ...own },
      ...(body !== "" && { body }),
      ...(signal && { signal }),
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

  /** The text of a file. */
  async text(path: string): Promise<string> {
    return (await this.request("GET", treeTarget(path))).text();
  }

  /** What a file says as JSON: a path that ends with `.json`, or a control's description. */
  json<T = unknown>(path: string): Promise<T> {
    return this.#json<T>("GET", treeTarget(path));
  }

  /** The bytes of a file. */
  async bytes(path: string): Promise<Uint8Array> {
    return new Uint8Array(await (await this.request("GET", treeTarget(path))).arrayBuffer());
  }

  /** Names in a directory, a page at a time. */
  async *list(path: string): AsyncGenerator<Listing["entries"][number]> {
    let after: string | undefined;
    do {
      const query = after === undefined ? "" : `?after=${after}`;
      const page = await this.#json<Listing>("GET", treeTarget(path) + query);
      yield* page.entries;
      after = page.next;
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
    return this.append(path, JSON.stringify(command), "application/json", options);
  }

  /** Appends to any control, value or stream. */
  async append(
    path: string,
    body: string,
    type: "application/json" | "text/plain" = "text/plain",
    { key, match, trace, signal }: CommandOptions = {},
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
