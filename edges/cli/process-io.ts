import type { Readable, Writable } from "node:stream";
import type { Clock } from "@skep/clock";
import type { Io, Signal, Sink, Source } from "./io.ts";

type Stream = Writable & { readonly isTTY?: boolean; readonly columns?: number };

/** What `processIo` uses of node's `process`. */
export type ProcessLike = Pick<
  NodeJS.Process,
  "argv" | "env" | "stdin" | "stdout" | "stderr" | "on" | "off" | "exit"
>;

/** The longest interval that there is, milliseconds. */
const longest = 2 ** 31 - 1;

const signals: readonly Signal[] = ["SIGINT", "SIGTERM", "SIGHUP"];

function sinkOf(stream: Stream): Sink {
  // The callback of `write` has the error; without a listener EPIPE would end the process with a stack trace.
  stream.on("error", () => {});
  return {
    isTTY: stream.isTTY === true,
    // A terminal that does not know its size says 0.
    columns: () => stream.columns || undefined,
    write: (bytes) =>
      new Promise((resolve, reject) => {
        stream.write(bytes, (problem) => (problem ? reject(problem) : resolve()));
      }),
  };
}

function sourceOf(open: () => Readable & { readonly isTTY?: boolean }): Source {
  return {
    get isTTY() {
      return open().isTTY === true;
    },
    chunks: () => open().iterator({ destroyOnReturn: false }),
  };
}

/**
 * The `Io` of a real process. stdin is opened when it is first asked for, never before. While signals are heard, which is
 * as long as a command runs, the process stays alive.
 */
export function processIo(process: ProcessLike, clock: Clock): Io {
  return {
    argv: process.argv.slice(2),
    env: process.env,
    stdin: sourceOf(() => process.stdin),
    stdout: sinkOf(process.stdout),
    stderr: sinkOf(process.stderr),
    clock,
    onSignal: (listener) => {
      const hear = (name: NodeJS.Signals) => listener(name as Signal);
      for (const name of signals) process.on(name, hear);
      // The clock's timers keep no process alive, and a command may wait for nothing else.
      const alive = setInterval(() => {}, longest);
      return () => {
        clearInterval(alive);
        for (const name of signals) process.off(name, hear);
      };
    },
    exit: (code) => process.exit(code),
  };
}
