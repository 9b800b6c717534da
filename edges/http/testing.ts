import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { request as ask } from "node:http";
import type { TestContext } from "node:test";
import type { Clock } from "@skep/clock";
import type { Authority, Kernel, Session } from "@skep/kernel";
import type { SessionStore } from "./auth/browser.ts";
import { signedText, socketText } from "./auth/proof.ts";
import { createHttpEdge, type HttpEdge, type HttpOptions } from "./edge.ts";
import { portOf } from "./port.ts";

/** What a test edge is made over. */
export interface RigOptions {
  readonly clock: Clock;
  readonly kernel: Kernel;
  /** Tickets, by what is sent for them. */
  readonly tickets: (token: string) => Authority | Promise<Authority>;
  readonly gateway?: { readonly token: string; readonly authority: Authority };
  readonly store?: SessionStore;
  readonly page?: { readonly dir: string; ready(): Promise<unknown> };
  readonly spool?: string;
  readonly more?: Partial<HttpOptions>;
}

/** What came back. */
export interface Got {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
  readonly json: <T = Record<string, unknown>>() => T;
}

/** A request whose target and headers are sent as they are. */
export function send(
  port: number,
  target: string,
  {
    method = "GET",
    headers = {},
    body,
  }: {
    readonly method?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string | Uint8Array;
  } = {},
): Promise<Got> {
  return new Promise((resolve, reject) => {
    const sent = ask({ host: "127.0.0.1", port, path: target, method, headers, agent: false }, (answer) => {
      const parts: Buffer[] = [];
      answer.on("data", (part: Buffer) => parts.push(part));
      answer.on("error", reject);
      answer.on("end", () => {
        const all = Buffer.concat(parts);
        resolve({
          status: answer.statusCode ?? 0,
          headers: answer.headers,
          body: all,
          json: () => JSON.parse(all.toString()),
        });
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

/** A page with a key of its own, as a browser would have it. */
export class TestPage {
  #port: number;
  readonly #now: () => number;
  readonly #key: KeyObject;
  readonly key: { readonly x: string; readonly y: string };
  cookie = "";

  /** `now` is the time that it signs with. */
  constructor(port: number, now: () => number) {
    this.#port = port;
    this.#now = now;
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    this.#key = privateKey;
    const { x = "", y = "" } = publicKey.export({ format: "jwk" });
    this.key = { x, y };
  }

  /** The same page where its hive listens now. */
  movedTo(port: number): TestPage {
    this.cookie = this.cookie.replace(/^skep-\d+/, `skep-${port}`);
    this.#port = port;
    return this;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  #sign(text: string): string {
    return sign("sha256", Buffer.from(text), { key: this.#key, dsaEncoding: "ieee-p1363" }).toString(
      "base64url",
    );
  }

  /** The headers of a signed request. */
  signed(method: string, target: string, body = "", now = this.#now()): Record<string, string> {
    const nonce = randomBytes(12).toString("base64url");
    const digest = body === "" ? "" : createHash("sha256").update(body).digest("hex");
    const text = signedText({ origin: this.origin, method, target, body: digest }, now, nonce);
    return {
      ...(this.cookie !== "" && { Cookie: this.cookie }),
      ...(method !== "GET" && { Origin: this.origin }),
      ...(digest !== "" && { "X-Skep-Body": digest }),
      "X-Skep-Proof": `${now}.${nonce}.${this.#sign(text)}`,
    };
  }

  proveSocket(challenge: string): string {
    return this.#sign(socketText(this.origin, challenge));
  }

  request(method: string, target: string, body?: unknown): Promise<Got> {
    const text = body === undefined ? "" : JSON.stringify(body);
    const headers = this.signed(method, target, text);
    if (text !== "") headers["Content-Type"] = "application/json";
    return send(this.#port, target, { method, headers, ...(text !== "" && { body: text }) });
  }

  /** Exchanges a code for a session. */
  async open(code: string): Promise<Got> {
    const got = await this.request("POST", "/v1/session", { code, key: this.key });
    const [cookie = ""] = got.headers["set-cookie"] ?? [];
    if (got.status === 201) this.cookie = cookie.split(";")[0] ?? "";
    return got;
  }
}

/** An edge over a kernel, on a free port. */
export async function startRig(t: TestContext, options: RigOptions) {
  const { clock, kernel, tickets, gateway, store, page, spool, more } = options;
  const door = {
    attach: async ({ token }: { readonly token: string }): Promise<Session> =>
      kernel.attach(await tickets(token), "http"),
  };
  const log = kernel.attach(await tickets("log"), "http");
  const edge: HttpEdge = createHttpEdge(portOf(log), {
    clock,
    hive: {
      door,
      tree: kernel.tree,
      about: { version: "toy", providers: [{ name: "toy", doc: "A hive that plays" }] },
      ...(gateway && {
        gateway: { token: gateway.token, attach: () => kernel.attach(gateway.authority, "http") },
      }),
      ...(store && { store }),
      ...(page !== undefined && { page }),
      ...(spool !== undefined && { spool }),
    },
    ...more,
  });
  const { port } = await edge.listen({ host: "127.0.0.1", port: 0 });
  t.after(() => edge.close());
  const bearer = (token: string, headers: Record<string, string> = {}) => ({
    Authorization: `Bearer ${token}`,
    ...headers,
  });
  return {
    edge,
    port,
    url: `http://127.0.0.1:${port}`,
    get: (target: string, token = "queen", headers: Record<string, string> = {}) =>
      send(port, target, { headers: bearer(token, headers) }),
    post: (target: string, body: unknown, token = "queen", headers: Record<string, string> = {}) =>
      send(port, target, {
        method: "POST",
        headers: bearer(token, { "Content-Type": "application/json", ...headers }),
        body: JSON.stringify(body),
      }),
    /** A page that a ticket opened. */
    page: async (token = "queen"): Promise<TestPage> => {
      const made = await send(port, "/v1/session/codes", { method: "POST", headers: bearer(token) });
      const opened = new TestPage(port, () => clock.now());
      await opened.open(made.json<{ code: string }>().code);
      return opened;
    },
  };
}

/** Server-sent events as they come. */
export class Events {
  cursor = "";
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #stop: AbortController;
  #text = "";

  private constructor(reader: ReadableStreamDefaultReader<Uint8Array>, stop: AbortController) {
    this.#reader = reader;
    this.#stop = stop;
  }

  static async open(
    t: TestContext,
    port: number,
    target: string,
    headers: Record<string, string> = {},
    query = "",
  ): Promise<Events> {
    const stop = new AbortController();
    t.after(() => stop.abort());
    const answer = await fetch(`http://127.0.0.1:${port}${target}${query}`, {
      headers: { Authorization: "Bearer queen", Accept: "text/event-stream", ...headers },
      signal: stop.signal,
    });
    const reader = answer.body?.getReader();
    if (answer.status !== 200 || !reader) throw new Error(`${answer.status} ${await answer.text()}`);
    return new Events(reader, stop);
  }

  /** The next event, its data beside its name. */
  async next(): Promise<Record<string, unknown>> {
    for (;;) {
      const end = this.#text.indexOf("\n\n");
      if (end < 0) {
        const { value, done } = await this.#reader.read();
        if (done) throw new Error("the events ended");
        this.#text += Buffer.from(value).toString();
        continue;
      }
      const block = this.#text.slice(0, end);
      this.#text = this.#text.slice(end + 2);
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1];
      this.cursor = field("id") ?? this.cursor;
      const data = field("data");
      if (data !== undefined) return { event: field("event"), ...JSON.parse(data) };
    }
  }

  close(): void {
    this.#stop.abort();
  }
}

interface Heard {
  readonly op: string;
  readonly id?: number;
  readonly [name: string]: unknown;
}

/** A socket of the multiplexed connection. */
export class Socket {
  readonly #socket: WebSocket;
  readonly #heard: Heard[] = [];
  #wake: () => void = () => undefined;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      const { cursor: _, problem, ...told } = JSON.parse(String(data));
      this.#heard.push(problem ? { ...told, code: problem.code } : told);
      this.#wake();
    });
    this.closed = new Promise((done) =>
      socket.addEventListener("close", ({ code, reason }) => done({ code, reason })),
    );
  }

  static async open(t: TestContext, port: number, headers: Record<string, string>): Promise<Socket> {
    // Node's WebSocket takes headers, the browser's does not.
    const made = new WebSocket(`ws://127.0.0.1:${port}/v1/live`, { headers } as never);
    t.after(() => made.close());
    const socket = new Socket(made);
    await new Promise<void>((resolve, reject) => {
      made.addEventListener("open", () => resolve());
      made.addEventListener("error", () => reject(new Error("refused")));
    });
    return socket;
  }

  say(message: unknown): void {
    this.#socket.send(JSON.stringify(message));
  }

  sayRaw(text: string): void {
    this.#socket.send(text);
  }

  async #find(wanted: (heard: Heard) => boolean): Promise<Heard> {
    for (;;) {
      const at = this.#heard.findIndex(wanted);
      const [found] = at < 0 ? [] : this.#heard.splice(at, 1);
      if (found) return found;
      await new Promise<void>((wake) => {
        this.#wake = wake;
      });
    }
  }

  next(): Promise<Heard> {
    return this.#find(() => true);
  }

  /** The next message about a subscription. */
  until(id: number): Promise<Heard> {
    return this.#find((heard) => heard.id === id);
  }

  untilOp(op: string): Promise<Heard> {
    return this.#find((heard) => heard.op === op);
  }

  heard(id: number): readonly Heard[] {
    return this.#heard.filter((heard) => heard.id === id);
  }
}
