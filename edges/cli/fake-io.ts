import type { Clock } from "@skep/clock";
import type { Io, Signal, Sink, Source } from "./io.ts";

/** What a fake process is like. */
export interface FakeIoOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** stdin, stdout and stderr are terminals. */
  readonly tty?: boolean;
  readonly columns?: number;
  /** What stdin gives, chunk by chunk. */
  readonly input?: readonly string[];
  /** stdout refuses every write with this error code after so many writes. */
  readonly fail?: { readonly code: string; readonly after: number };
  readonly clock?: Clock;
}

/** An `Io` without a process, and what was done to it. */
export interface FakeIo extends Io {
  readonly out: () => string;
  readonly err: () => string;
  /** Delivers a signal. */
  readonly kill: (signal: Signal) => void;
  /** Codes with which `exit` was called. */
  readonly exits: readonly number[];
}

const stopped: Clock = { now: () => 0, monotonic: () => 0, after: () => ({ stop: () => {} }) };

function sink(into: Uint8Array[], { tty, columns, fail }: FakeIoOptions): Sink {
  return {
    isTTY: tty === true,
    columns: () => (tty ? (columns ?? 80) : undefined),
    write: async (bytes) => {
      if (fail && into.length >= fail.after)
        throw Object.assign(new Error(`write ${fail.code}`), { code: fail.code });
      into.push(Buffer.from(bytes));
    },
  };
}

/** A process for tests: `argv` as after the program's name; its clock stands still unless one is given. */
export function createFakeIo(argv: readonly string[], options: FakeIoOptions = {}): FakeIo {
  const written: Uint8Array[] = [];
  const told: Uint8Array[] = [];
  const exits: number[] = [];
  const listeners = new Set<(signal: Signal) => void>();
  const chunks = [...(options.input ?? [])];
  const { fail: _, ...quiet } = options;
  const stdin: Source = {
    isTTY: options.tty === true,
    chunks: async function* () {
      for (let text = chunks.shift(); text !== undefined; text = chunks.shift()) yield Buffer.from(text);
    },
  };
  return {
    argv,
    env: options.env ?? {},
    stdin,
    stdout: sink(written, options),
    stderr: sink(told, quiet),
    clock: options.clock ?? stopped,
    onSignal: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    exit: (code) => exits.push(code),
    out: () => Buffer.concat(written).toString("utf8"),
    err: () => Buffer.concat(told).toString("utf8"),
    kill: (signal) => {
      for (const listener of listeners) listener(signal);
    },
    exits,
  };
}
