import type { ClientRequest, IncomingMessage } from "node:http";
import { Fault, faults } from "@skep/fault";

const fault = faults("exchange", {
  unanswered: ["cut", "Cannot get an answer over HTTP"],
  cut: ["cut", "Cannot get the whole answer over HTTP"],
  late: ["timeout", "Cannot wait longer for an answer over HTTP"],
  oversize: ["oversize", "Cannot take an answer over HTTP"],
});

/** What is asked, and how much of an answer is waited for. */
export interface Question {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | undefined;
  /** Authorities to trust instead of the system's, PEM. */
  readonly ca?: string | Buffer | undefined;
  /** The unix socket that is asked, instead of the host of the address. */
  readonly socket?: string;
  /** Bytes of an answer at most. */
  readonly mostBytes: number;
  /** Milliseconds until the answer has to be whole. */
  readonly withinMs: number;
  readonly signal?: AbortSignal;
}

/** What came back, whatever its status; a redirection is an answer like others and is not followed. */
export interface Answer {
  readonly status: number;
  readonly contentType: string | undefined;
  readonly body: Buffer;
}

// An import of `node:http` makes every name of it at once, `WebSocket` among them, and so loads a whole client for the web;
// `fetch` is of that client too. Asked for like this, only what is used is loaded.
function requestOf(protocol: string) {
  return process.getBuiltinModule(protocol === "https:" ? "node:https" : "node:http").request;
}

function sizeText(bytes: number): string {
  const [unit, name] = bytes >= 1024 * 1024 ? [1024 * 1024, "MiB"] : [1024, "KiB"];
  return `${bytes / unit} ${name}`;
}

type Failed = (name: keyof typeof fault, reason: string, cause?: unknown) => void;

/** Collects an answer's bytes until its end, as far as so many are taken. */
function collect(
  answer: IncomingMessage,
  mostBytes: number,
  end: (body: Buffer) => void,
  failed: Failed,
): void {
  const parts: Buffer[] = [];
  let size = 0;
  answer.on("data", (part: Buffer) => {
    size += part.length;
    if (size > mostBytes) failed("oversize", `an answer of more than ${sizeText(mostBytes)}`);
    else parts.push(part);
  });
  answer.on("error", (cause) => failed("cut", "the connection ended within the answer", cause));
  answer.on("end", () => end(Buffer.concat(parts)));
}

/**
 * Asks once over HTTP, on a connection of its own, and gives the answer when it is whole. Throws `exchange.unanswered`
 * (nobody there, or gone before it answered), `.cut`, `.late` and `.oversize`, whose cause says why in plain words
 * (`reasonOf`), and the signal's reason.
 */
export function exchange(address: string | URL, question: Question): Promise<Answer> {
  const url = new URL(address);
  const { method = "GET", headers = {}, body, ca, socket, mostBytes, withinMs, signal } = question;
  const place = socket ?? url.host;
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const options = {
    method,
    headers: body === undefined ? headers : { ...headers, "content-length": Buffer.byteLength(body) },
    agent: false,
    ...(ca !== undefined && { ca }),
    ...(socket !== undefined && { socketPath: socket }),
    ...(signal && { signal }),
  };
  let sent: ClientRequest | undefined;
  const failed: Failed = (name, reason, cause) => {
    const what = reason.includes(place) ? reason : `${place}: ${reason}`;
    reject(signal?.aborted ? signal.reason : fault[name](what, { cause: new Error(reason, { cause }) }));
    sent?.destroy();
  };
  const timer = setTimeout(() => failed("late", `no whole answer within ${withinMs / 1000} s`), withinMs);
  sent = requestOf(url.protocol)(url, options, (answer) => {
    const { statusCode: status = 0, headers: told } = answer;
    const end = (whole: Buffer) => resolve({ status, contentType: told["content-type"], body: whole });
    collect(answer, mostBytes, end, failed);
  });
  sent.on("error", (error) => failed("unanswered", error.message, error));
  sent.end(body);
  return promise.finally(() => clearTimeout(timer));
}

/** Why an exchange failed, in words that fit behind a colon. */
export function reasonOf(thrown: unknown): string {
  if (thrown instanceof Fault && thrown.cause instanceof Error) return thrown.cause.message;
  return thrown instanceof Error ? thrown.message : String(thrown);
}
