import { type ExecFileOptionsWithBufferEncoding, execFile } from "node:child_process";
import { join } from "node:path";
import * as z from "zod";
import { precompileText } from "./boot.ts";

/** What the boot code of each kind of process reads first. */
export interface Sources {
  /** For processes that run modules; with it what the engine compiles of the script for a job. */
  readonly runner: Buffer;
  /** For the process that checks modules. */
  readonly admitter: Buffer;
}

const Collected = z.strictObject({ runner: z.string(), admitter: z.string(), sample: z.base64() });
type Collected = z.infer<typeof Collected>;

/** Runs Node with these words until it ends; its output. Nothing but our own code ever runs in it. */
function outputOf(words: readonly string[], input?: Uint8Array): Promise<Buffer> {
  const most = 16 * 1024 * 1024;
  const options: ExecFileOptionsWithBufferEncoding = {
    ...{ encoding: "buffer", env: {}, maxBuffer: most },
  };
  return new Promise((resolve, reject) => {
    const child = execFile(process.execPath, words, options, (error, stdout) => {
      if (error) reject(error);
      else resolve(stdout);
    });
    child.stdin?.on("error", () => {});
    child.stdin?.end(input);
  });
}

let collected: Promise<Collected> | undefined;
const made = new Map<string, Promise<Sources>>();

// In a process that ends: what removes types takes 30 MB, which would stay in the worker for ever, after a thread too.
async function collect(): Promise<Collected> {
  const output = await outputOf([join(import.meta.dirname, "sources-main.ts")]);
  return Collected.parse(JSON.parse(output.toString()));
}

function sized(bytes: Uint8Array): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt32LE(bytes.length);
  return Buffer.concat([size, bytes]);
}

function bootInput(script: string, code: Uint8Array): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32LE(script.length, 0);
  head.writeUInt32LE(code.length, 4);
  return Buffer.concat([head, Buffer.from(script, "latin1"), code]);
}

async function make(engine: readonly string[]): Promise<Sources> {
  collected ??= collect();
  const { runner, admitter, sample } = await collected;
  const input = Buffer.concat([sized(Buffer.from(runner, "latin1")), Buffer.from(sample, "base64")]);
  const code = await outputOf([...engine, "--eval", precompileText], input);
  return { runner: bootInput(runner, code), admitter: bootInput(admitter, Buffer.alloc(0)) };
}

/**
 * The scripts of the sandboxed processes, each with every module below it and without types. The engine's flags must be
 * those of the runners: what was compiled under others is compiled again.
 */
export function runnerSources(engine: readonly string[]): Promise<Sources> {
  const key = engine.join(" ");
  const found = made.get(key) ?? make(engine);
  made.set(key, found);
  return found;
}
