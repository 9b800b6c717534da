import { base64url, type PageKey } from "./page-key.ts";
import { Refusal, readProblem } from "./refusal.ts";

/** One name in a directory. */
export interface Entry {
  readonly name: string;
  readonly kind: string;
  readonly append?: boolean;
}

/** A directory, page by page. */
export interface Listing {
  readonly path: string;
  readonly doc: string;
  readonly entries: readonly Entry[];
  readonly next?: string;
}

/** What a file or directory is. */
export interface Description {
  readonly path: string;
  readonly kind: string;
  readonly doc: string;
  readonly right?: string;
  readonly json?: string;
  readonly follow?: string;
  readonly appendable?: boolean;
  readonly undo?: unknown;
  readonly line?: "text" | "json";
  readonly schema?: Readonly<Record<string, unknown>>;
  readonly examples?: readonly unknown[];
  readonly size?: number;
  readonly readable?: boolean;
  readonly writable?: boolean;
}

/** What a command came to. */
export interface Answer {
  readonly id?: number | string;
  readonly verdict: string;
  readonly result?: unknown;
}

/** Who the page is for the hive. */
export interface SessionTold {
  readonly subject: string;
  readonly role: string;
  readonly until?: number;
  readonly armed_ms?: number;
  readonly now: number;
}

/** The answer of the original gateway's verbs. */
export interface FsAnswer {
  readonly status: "OK" | "ERR";
  readonly verb: string;
  readonly path: string;
  readonly end: boolean;
  readonly lines: readonly string[];
  readonly bytes: number;
  readonly error?: string;
  readonly code?: string;
}

/** What the API stands on: the page in a browser, fakes in tests. */
export interface Ground {
  readonly origin: string;
  readonly key: PageKey;
  fetch(url: string, init: RequestInit): Promise<Response>;
  now(): number;
}

type Body = string | Uint8Array<ArrayBuffer>;

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const made = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(made, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A path of the tree as a target of HTTP. */
export function targetOf(path: string): string {
  return `/v1/tree${path === "/" ? "/" : path.split("/").map(encodeURIComponent).join("/")}`;
}

/** The hive over HTTP, every request signed by this page's key. */
export class Api {
  readonly #ground: Ground;
  /** Milliseconds by which the hive's clock is ahead of ours. */
  #ahead = 0;

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  get origin(): string {
    return this.#ground.origin;
  }

  /** The hive's time. */
  now(): number {
    return this.#ground.now() + this.#ahead;
  }

  /** Learns the hive's time. */
  told(now: number): void {
    this.#ahead = now - this.#ground.now();
  }

  /** Signs what a socket was challenged with. */
  signSocket(challenge: string): Promise<string> {
    return this.#ground.key.sign(["skep-socket-1", this.origin, challenge].join("\n"));
  }

  async #proof(method: string, target: string, body: string): Promise<string> {
    const time = Math.round(this.now());
    const nonce = base64url(crypto.getRandomValues(new Uint8Array(12)));
    const text = ["skep-request-1", this.origin, method, target, time, nonce, body].join("\n");
    return `${time}.${nonce}.${await this.#ground.key.sign(text)}`;
  }

  /** Sends a request. Throws a Refusal for every answer that is none. */
  async request(
    method: string,
    target: string,
    body?: Body,
    more: Record<string, string> = {},
  ): Promise<Response> {
    const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
    const isStream = method === "PUT" || method === "PATCH";
    const digest = bytes === undefined ? "" : isStream ? "stream" : await sha256(bytes);
    const headers: Record<string, string> = {
      ...more,
      "x-skep-proof": await this.#proof(method, target, digest),
    };
    if (digest !== "") headers["x-skep-body"] = digest;
    if (bytes !== undefined)
      headers["Content-Type"] ??= isStream ? "application/octet-stream" : "application/json";
    let answer: Response;
    try {
      answer = await this.#ground.fetch(`${this.origin}${target}`, {
        method,
        headers,
        credentials: "same-origin",
        ...(bytes !== undefined && { body: bytes }),
      });
    } catch {
      throw new Refusal({ status: 0, code: "page.unreachable", detail: "Cannot reach the hive" });
    }
    if (answer.ok || answer.status === 304) return answer;
    throw new Refusal(readProblem(answer.status, await answer.text()));
  }

  async text(path: string, query = ""): Promise<string> {
    return (await this.request("GET", targetOf(path) + query)).text();
  }

  async bytes(path: string): Promise<Uint8Array<ArrayBuffer>> {
    return new Uint8Array(await (await this.request("GET", targetOf(path))).arrayBuffer());
  }

  async json<T>(path: string, query = ""): Promise<T> {
    return (await this.request("GET", targetOf(path) + query)).json() as Promise<T>;
  }

  list(path: string, after?: string): Promise<Listing> {
    return this.json(path, after === undefined ? "" : `?after=${encodeURIComponent(after)}`);
  }

  describe(path: string): Promise<Description> {
    return this.json(path, "?view=stat");
  }

  /** Appends one command; `waiting` is an answer, too. */
  async post(path: string, line: string, key?: string): Promise<Answer> {
    const more: Record<string, string> = key === undefined ? {} : { "Idempotency-Key": key };
    if (!line.trimStart().startsWith("{")) more["Content-Type"] = "text/plain";
    const answer = await this.request("POST", targetOf(path), line, more);
    const text = await answer.text();
    return text === "" ? { verdict: "ok" } : (JSON.parse(text) as Answer);
  }

  /** Stores bytes by their digest. */
  async put(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
    const digest = await sha256(bytes);
    await this.request("PUT", targetOf(`/cas/${digest}`), bytes);
    return digest;
  }

  async fs(verb: "ls" | "cat" | "tail" | "stat", path: string, query = ""): Promise<FsAnswer> {
    const target = `/v1/fs/${verb}?path=${encodeURIComponent(path)}${query}`;
    return (await this.request("GET", target)).json() as Promise<FsAnswer>;
  }

  async echo(path: string, line: string): Promise<FsAnswer> {
    return (
      await this.request("POST", "/v1/fs/echo", JSON.stringify({ path, line }))
    ).json() as Promise<FsAnswer>;
  }

  async #told(answer: Promise<Response>): Promise<SessionTold> {
    const told = (await (await answer).json()) as SessionTold;
    this.told(told.now);
    return told;
  }

  /** Exchanges a one-time code for this page's session. */
  open(code: string): Promise<SessionTold> {
    const { x, y } = this.#ground.key;
    return this.#told(this.request("POST", "/v1/session", JSON.stringify({ code, key: { x, y } })));
  }

  session(): Promise<SessionTold> {
    return this.#told(this.request("GET", "/v1/session"));
  }

  async arm(minutes: number): Promise<number> {
    const answer = await this.request("POST", "/v1/session/arm", JSON.stringify({ minutes }));
    return ((await answer.json()) as { armed_ms: number }).armed_ms;
  }

  async disarm(): Promise<void> {
    await this.request("DELETE", "/v1/session/arm");
  }

  async signOff(): Promise<void> {
    await this.request("DELETE", "/v1/session");
  }
}
