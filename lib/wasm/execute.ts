import { fault } from "./fault.ts";
import type { ExecOutcome, JobInput } from "./job.ts";

/** Links, starts and runs `_start`, synchronously. */
export function execute(_module: WebAssembly.Module, _input: JobInput): ExecOutcome {
  throw fault.input("not there yet");
}
