import { Fault, kinds } from "@skep/fault";
import { parseReply } from "@skep/grammar";
import { ConsoleRefusal, type Door } from "./door.ts";

/** A refusal as HTTP tells it: the console's words, and the code that the console has no room for. */
export class HttpRefusal extends ConsoleRefusal {
  readonly code: string;

  constructor(verb: string, error: string, code: string) {
    const reply = parseReply(`ERR ${verb} ${error}`);
    if (reply.status !== "ERR") throw new Error(`no refusal: ${error}`);
    super(reply);
    this.code = code;
  }
}

interface Reply {
  readonly status: "OK" | "ERR";
  readonly end: boolean;
  readonly lines: readonly string[];
  readonly error?: string;
  readonly code?: string;
  readonly result?: unknown;
}

function refusedBy(status: number, body: Record<string, unknown>): Error {
  const { kind, code, detail } = body;
  if (typeof kind !== "string" || !(kind in kinds)) return new Error(`${status} ${JSON.stringify(body)}`);
  return new Fault(kind as keyof typeof kinds, String(code), String(detail));
}

function taken(verb: string, { status, error = "", code = "" }: Reply): void {
  if (status === "ERR") throw new HttpRefusal(verb, error, code);
}

const asBytes = (lines: readonly string[]): Buffer => {
  const isBinary = lines.length > 0 && lines.every((line) => line.startsWith("b64:"));
  if (isBinary) return Buffer.concat(lines.map((line) => Buffer.from(line.slice(4), "base64")));
  return Buffer.from(lines.map((line) => `${line}\n`).join(""));
};

/** The verbs of HTTP with a ticket. A write of several lines is a batch, up to the first that is refused. */
export function httpDoor(origin: string, ticket: string): Door {
  const ask = async (target: string, body?: unknown): Promise<unknown> => {
    const headers = { Authorization: `Bearer ${ticket}`, "Content-Type": "application/json" };
    const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
    const answer = await fetch(`${origin}${target}`, { headers, ...init });
    const told = (await answer.json()) as Record<string, unknown>;
    if (answer.status !== 200) throw refusedBy(answer.status, told);
    return told;
  };
  const get = async (verb: string, path: string): Promise<readonly string[]> => {
    const target = `/v1/fs/${verb.toLowerCase()}?path=${encodeURIComponent(path)}`;
    const reply = (await ask(target)) as Reply;
    taken(verb, reply);
    if (!reply.end) throw new Error(`${path} has more than one answer holds`);
    return reply.lines;
  };
  return {
    edge: "http",
    ls: (path) => get("LS", path),
    read: async (path) => asBytes(await get("CAT", path)),
    write: async (path, bytes) => {
      const parts = bytes.toString("utf8").split(/(?<=\n)/);
      const items = parts.map((part) => ({ path, line: part.replace(/\n$/, "") }));
      const { results } = (await ask("/v1/fs/echo-batch", { items })) as { results: readonly Reply[] };
      let size = 0;
      for (const [at, reply] of results.entries()) {
        if (reply.status === "ERR" && size > 0) return { taken: size };
        taken("ECHO", reply);
        size += Buffer.byteLength(parts[at] ?? "");
      }
      const result = results.length === 1 ? results[0]?.result : undefined;
      return { taken: size, ...(result !== undefined && { result: JSON.stringify(result) }) };
    },
    close: async () => undefined,
  };
}
