import { processIo, runProgram } from "@skep/edge-cli";
import { realClock } from "./clock.ts";
import { createProgram } from "./commands/table.ts";

// Started through a launcher that an older Node had to keep: when that is killed, this goes with it.
function followLauncher(): void {
  const launcher = Number(process.env.SKEP_LAUNCHER ?? 0);
  delete process.env.SKEP_LAUNCHER;
  // Only its own child goes with it: others that inherit the variable are somebody else's.
  if (launcher > 0 && process.ppid === launcher)
    setInterval(() => process.ppid !== launcher && process.kill(process.pid, "SIGKILL"), 250).unref();
}

/** Runs the command of this process's arguments; resolves with its exit code when all output has left. */
export function start(): Promise<number> {
  followLauncher();
  return runProgram(createProgram(), processIo(process, realClock));
}
