// Runs in the sandboxed process, loaded from memory by boot.ts: one synchronous loop over the frames of its two pipes.
import { writeSync } from "node:fs";
import { compile, execute } from "@skep/wasm";
import { chunkBytes, type Frame, frame, headBytes } from "./frames.ts";
import type { RunHeader } from "./header.ts";
import { Kept } from "./kept.ts";
import { empty, isNext, receive, send, sendJson } from "./talk.ts";

/** What the checkpoint of the next job holds at its start. */
let content: Uint8Array | undefined;
const modules = new Map<string, WebAssembly.Module>();
const keptModules = 32;
/** Bytes of ended jobs' memories after which the collector is called. */
const garbageBytes = 32 * 1024 * 1024;
let garbage = 0;

/** Keeps the bytes; compiling waits for the job, whose deadline then covers it. */
const waiting = new Map<string, Uint8Array>();

function compiled(digest: string): WebAssembly.Module {
  const known = modules.get(digest);
  if (known) return known;
  const bytes = waiting.get(digest);
  if (!bytes) throw new Error("no such module here");
  const module = compile(bytes);
  waiting.delete(digest);
  if (modules.size >= keptModules) modules.delete(modules.keys().next().value ?? "");
  modules.set(digest, module);
  return module;
}

/** Standard input by credit: taking a chunk up asks for one more. */
class Stdin {
  #chunk: Buffer = empty;
  #ended = false;

  read(max: number): Uint8Array {
    while (this.#chunk.length === 0 && !this.#ended) {
      const got = receive();
      if (got.kind === frame.end) this.#ended = true;
      else if (got.kind === frame.data) {
        this.#chunk = got.payload;
        // Where the end came with it there is nothing to ask for.
        if (!isNext(frame.end)) send(frame.want, empty);
      } else process.exit(71);
    }
    const bytes = this.#chunk.subarray(0, max);
    this.#chunk = this.#chunk.subarray(bytes.length);
    return bytes;
  }
}

/** Head and payload of one frame of output, so that it leaves with one call. */
const outgoing: Buffer = Buffer.allocUnsafe(headBytes + chunkBytes);

/** Passes output on before the module goes on: what it wrote must outlive an end that comes without a word. */
function sendOutput(kind: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    const size = Math.min(chunkBytes, bytes.length - at);
    outgoing[0] = kind;
    outgoing.writeUInt32LE(size, 1);
    outgoing.set(bytes.subarray(at, at + size), headBytes);
    for (let sent = 0; sent < headBytes + size; )
      sent += writeSync(1, outgoing, sent, headBytes + size - sent);
  }
}

// The global `performance` would load a dozen modules of Node at its first use.
const now = () => Number(process.hrtime.bigint()) / 1e6;

function run(header: RunHeader): void {
  const started = now();
  let module: WebAssembly.Module;
  try {
    module = compiled(header.digest);
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : "cannot compile";
    sendJson(frame.result, { reason: "compile", exitCode: null, message, fuelUsed: "0" });
    return;
  }
  const compileMs = now() - started;
  const kept = header.checkpoint && new Kept(now, (bytes) => send(frame.checkpoint, bytes));
  const outcome = execute(module, {
    args: header.args,
    env: header.env,
    fuel: BigInt(header.fuel),
    memoryPages: header.memoryPages,
    stdoutLimit: header.stdoutLimit,
    stderrLimit: header.stderrLimit,
    startTimeMs: header.startTimeMs,
    seed: Buffer.from(header.seed, "hex"),
    stdin: new Stdin(),
    ...(header.checkpoint && kept
      ? {
          checkpoint: {
            ...header.checkpoint,
            ...(content ? { content } : {}),
            onCommit: (bytes) => kept.take(bytes),
            onCall: () => kept.look(),
          },
        }
      : {}),
    onOutput: (stream, bytes) => sendOutput(frame[stream], bytes),
  });
  content = undefined;
  // Where it ended before its time, on the way out is the last moment.
  if (outcome.reason !== "exit") kept?.flush();
  sendJson(frame.result, {
    reason: outcome.reason === "start" ? "link" : outcome.reason,
    exitCode: outcome.exitCode,
    message: outcome.message.slice(0, 1000),
    fuelUsed: String(outcome.fuelUsed),
    compileMs,
    runMs: now() - started - compileMs,
  });
  garbage += outcome.memoryBytes;
  if (garbage < garbageBytes) return;
  garbage = 0;
  globalThis.gc?.();
}

function serve({ kind, payload }: Frame): void {
  if (kind === frame.module) waiting.set(payload.toString("hex", 0, 32), payload.subarray(32));
  else if (kind === frame.kept) content = payload;
  else if (kind === frame.run) run(JSON.parse(payload.toString()) as RunHeader);
  else if (kind !== frame.data && kind !== frame.end) process.exit(71);
}

send(frame.ready, empty);
for (;;) serve(receive());
