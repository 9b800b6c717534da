import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { Fault, toFault } from "@skep/fault";
import {
  addCheckpoint,
  createCosigner,
  signatureLines,
  type Verifier,
  type WitnessDecision,
  type WitnessedLog,
} from "@skep/tlog";
import type { WitnessKey, WitnessState } from "./place.ts";

/** What a witness is made of. */
export interface WitnessOptions {
  readonly key: WitnessKey;
  readonly state: WitnessState;
  /** Keys of the logs that it knows; the name of a key is the origin of its log. */
  readonly logs: readonly Verifier[];
  /** Milliseconds since 1970 UTC. */
  readonly now: () => number;
  readonly log: (line: string) => void;
}

interface Reply {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

const plain = "text/plain; charset=utf-8";
/** A checkpoint with its signatures and 63 hashes has far less. */
const mostBody = 64 * 1024;

const answerText = (decision: Exclude<WitnessDecision, { status: 200 }>): Reply =>
  decision.status === 409
    ? { status: 409, type: decision.contentType, body: decision.body }
    : { status: decision.status, type: plain, body: `${decision.reason}\n` };

/** Answers one request; what it decides is durable when it returns. */
export function cosign(body: Uint8Array, options: WitnessOptions): Reply {
  const { key, state, logs, now, log } = options;
  const known = (origin: string): WitnessedLog | undefined => {
    const verifiers = logs.filter(({ name }) => name === origin);
    if (verifiers.length === 0) return undefined;
    const latest = state.read(origin);
    return latest ? { verifiers, latest } : { verifiers };
  };
  const decision = addCheckpoint(body, known, Math.floor(now() / 1000));
  if (decision.status !== 200) {
    log(`refused ${decision.status}: ${decision.reason}`);
    if (decision.status === 409 && decision.fork) state.keepFork(body);
    return answerText(decision);
  }
  const { origin, record, text } = decision;
  state.keep(origin, record);
  const cosigner = createCosigner(key.name, key.key.seed, () => record.time);
  log(`cosigned ${origin} at ${record.size}`);
  return { status: 200, type: plain, body: signatureLines(text, [cosigner]) };
}

function readBody(request: IncomingMessage): Promise<Uint8Array | undefined> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let size = 0;
    request.on("data", (part: Buffer) => {
      size += part.length;
      if (size <= mostBody) parts.push(part);
    });
    request.on("error", reject);
    request.on("end", () => resolve(size > mostBody ? undefined : Buffer.concat(parts)));
  });
}

async function reply(request: IncomingMessage, options: WitnessOptions): Promise<Reply> {
  const path = new URL(request.url ?? "/", "http://witness.invalid").pathname;
  if (path === "/" && request.method === "GET")
    return { status: 200, type: plain, body: `${options.key.vkey}\n` };
  if (path !== "/add-checkpoint") return { status: 404, type: plain, body: "no such file\n" };
  if (request.method !== "POST") return { status: 405, type: plain, body: "POST a checkpoint\n" };
  const body = await readBody(request);
  if (!body) return { status: 413, type: plain, body: "a request has at most 64 KiB\n" };
  return cosign(body, options);
}

async function handle(request: IncomingMessage, response: ServerResponse, options: WitnessOptions) {
  let told: Reply;
  try {
    told = await reply(request, options);
  } catch (thrown) {
    // A record that cannot be read or written: better no cosignature than a second history.
    const fault = thrown instanceof Fault ? thrown : toFault(thrown);
    options.log(`failed: ${fault.message}: ${String(fault.cause ?? "")}`);
    told = { status: 500, type: plain, body: "the witness cannot keep its records\n" };
  }
  response.writeHead(told.status, {
    "content-type": told.type,
    "content-length": Buffer.byteLength(told.body),
  });
  response.end(told.body);
}

/** The witness as an HTTP server that does not listen yet, C2SP tlog-witness v1.0.0. */
export function createWitness(options: WitnessOptions): Server {
  // As in `http/exchange.ts`: an import would load more than is used.
  const { createServer } = process.getBuiltinModule("node:http");
  const server = createServer((request, response) => void handle(request, response, options));
  server.requestTimeout = 10_000;
  server.headersTimeout = 10_000;
  server.maxHeadersCount = 64;
  return server;
}
