import type { Clock } from "@skep/clock";

/** Where bytes go: stdout or stderr. */
export interface Sink {
  readonly isTTY: boolean;
  /** Terminal columns at this moment; undefined where it is no terminal. */
  columns(): number | undefined;
  /** Resolves when the bytes have left the process; rejects with the system's error (`code` EPIPE, ENOSPC …). */
  write(bytes: string | Uint8Array): Promise<void>;
}

/** Where bytes come from: stdin. */
export interface Source {
  readonly isTTY: boolean;
  /** The bytes from here on; may be iterated once more after it was left early. */
  chunks(): AsyncIterable<Uint8Array>;
}

/** The signals that a command hears of. */
export type Signal = "SIGINT" | "SIGTERM" | "SIGHUP";

/** All that a command line touches of its process; the app passes the real one, a test a fake. */
export interface Io {
  /** The words after the program's name. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: Source;
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly clock: Clock;
  /** Calls `listener` for each signal until the returned function is called. */
  onSignal(listener: (signal: Signal) => void): () => void;
  /** Ends the process at once; called only when clean-up is skipped. */
  exit(code: number): void;
}
