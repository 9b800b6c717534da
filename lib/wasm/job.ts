/** Where a job's standard input comes from. */
export interface StdinSource {
  /** At most `max` bytes, at once; empty only at the end of the input. */
  read(max: number): Uint8Array;
}

/** The one file that a module may keep: what it wrote there is handed to a later run of the same job. */
export interface CheckpointFile {
  /** Name of the directory that is open when the module starts, as `/` or `/checkpoint`. */
  readonly directory: string;
  /** Name of the file in it. Beside it there may be three others, so that a module can write and then rename. */
  readonly name: string;
  /** Most bytes of one file; all together have twice that. */
  readonly limit: number;
  /** What the file holds at the start; there is none where left out. */
  readonly content?: Uint8Array;
  /** Takes what the file holds at each close, sync and rename that could have changed it. The bytes never change afterwards. */
  readonly onCommit: (bytes: Uint8Array) => void;
  /** Called before each call of the host. */
  readonly onCall?: () => void;
}

/** Everything that one run of a module may depend on. */
export interface JobInput {
  /** The program's name first. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Units of work it may use; one counts as one nanosecond on its clock. */
  readonly fuel: bigint;
  /** Pages of 64 KiB that its memory may reach. */
  readonly memoryPages: number;
  /** Bytes of standard output after which the job ends. */
  readonly stdoutLimit: number;
  /** Bytes of standard error after which the job ends. */
  readonly stderrLimit: number;
  /** Milliseconds since 1970-01-01 UTC: the manifest's time, at which the job's clock starts. */
  readonly startTimeMs: number;
  /** The job's id: all chance in the job comes from it. */
  readonly seed: Uint8Array;
  readonly stdin: StdinSource;
  /** Where left out the module has no file and no directory. */
  readonly checkpoint?: CheckpointFile;
  /** Takes what the module writes, in order; the bytes are the callee's to keep. */
  readonly onOutput: (stream: "stdout" | "stderr", bytes: Uint8Array) => void;
}

/**
 * Why a run ended: `exit` its own end; `trap` an instruction that cannot go on; `fuel`, `memory`, `depth`, `output` a
 * limit; `start` no `_start` to call; `link` a module that was not admitted here or whose segments do not fit.
 */
export type EndReason = "exit" | "trap" | "fuel" | "memory" | "depth" | "output" | "start" | "link";

/** How a run ended and what it used. */
export interface ExecOutcome {
  readonly reason: EndReason;
  /** The module's own exit code, an unsigned 32-bit number; null unless the reason is `exit`. */
  readonly exitCode: number | null;
  /** One printable line. */
  readonly message: string;
  readonly fuelUsed: bigint;
  /** Size of its memory at the end, which is the largest it had. */
  readonly memoryBytes: number;
  /** Bytes delivered. */
  readonly stdoutBytes: number;
  /** Bytes delivered. */
  readonly stderrBytes: number;
}
