/** `fresh`: a new process for this job alone; `shared`: one process for the modules of one subject, one job at a time. */
export type Grade = "fresh" | "shared";

/** Why a job ended. `refused` is our checker's, `compile` and `link` the engine's; the rest speaks for itself. */
export type SandboxReason =
  | "exit"
  | "trap"
  | "fuel"
  | "memory"
  | "depth"
  | "output"
  | "timeout"
  | "canceled"
  | "refused"
  | "compile"
  | "link"
  | "crash";

/** What a job may use; the pool clamps each to its own limits. */
export interface SandboxLimits {
  /** Units of work. */
  readonly fuel: bigint;
  /** Bytes of the module's linear memory. */
  readonly memoryBytes: number;
  /** Milliseconds from handing the module to a process until its end, checking and compiling included. */
  readonly wallMs: number;
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
}

/** The file that a module may keep for a later run of the same job. */
export interface SandboxCheckpoint {
  /** Directory that the module finds open, as `/checkpoint`, and the name of the file in it. */
  readonly directory: string;
  readonly name: string;
  /** Most bytes of it; at most what the pool gives. */
  readonly limit: number;
  /** What it holds at the start; there is no file where left out. */
  readonly content?: Uint8Array;
  /** Takes what it held when it was last complete, at most ten times a second; never half a write. */
  readonly onCommit: (bytes: Uint8Array) => void;
}

/** One run of one module. */
export interface SandboxJob {
  readonly module: { readonly bytes: Uint8Array } | { readonly path: string };
  /** sha256 of the module, hex; bytes that do not have it are refused. */
  readonly digest: string;
  /** Who the job belongs to; a shared process never serves two. */
  readonly subject: string;
  readonly grade: Grade;
  /** The program's name first. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Pulled as the module reads; when its iteration throws, `run` rejects with that. */
  readonly stdin: Uint8Array | AsyncIterable<Uint8Array>;
  readonly limits: SandboxLimits;
  /** Milliseconds since 1970-01-01 UTC at which the job's clock starts. */
  readonly startTimeMs: number;
  readonly seed: Uint8Array;
  /** The module has no file where left out. */
  readonly checkpoint?: SandboxCheckpoint;
  /** Takes the output in order; nothing more is read from the module until a returned promise is fulfilled. */
  readonly onOutput?: (stream: "stdout" | "stderr", bytes: Uint8Array) => void | Promise<void>;
}

/** How a job ended. */
export interface SandboxResult {
  readonly reason: SandboxReason;
  /** The module's own exit code; null unless the reason is `exit`. */
  readonly exitCode: number | null;
  /** One printable line. */
  readonly message: string;
  /** The fault's code where the reason is `refused`. */
  readonly code: string | null;
  /** 0 where the process ended before it could tell. */
  readonly fuelUsed: bigint;
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
  readonly grade: Grade;
  /** Names of the isolation layers around the process that ran it. */
  readonly layers: readonly string[];
  /** Largest resident size of the runner's process, bytes, as last seen; 0 where no process was started. */
  readonly peakRunnerBytes: number;
  /** Milliseconds: waiting for a process, checking, from handing over to the end. */
  readonly durations: { readonly queueMs: number; readonly admitMs: number; readonly runMs: number };
}
