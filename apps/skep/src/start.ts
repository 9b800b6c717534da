import { readFileSync } from "node:fs";
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

/** Parent and grandparent: npm runs a shell, which runs this process. */
function ancestors(): string {
  try {
    const stat = readFileSync(`/proc/${process.ppid}/stat`, "utf8");
    return `${process.ppid} ${stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]}`;
  } catch {
    return `${process.ppid}`;
  }
}

// npm ends without telling the shell between it and this process, which then would run on with nobody to stop it.
function followNpm(): void {
  const npm = ancestors();
  if (!process.env.npm_command || process.ppid <= 1) return;
  const watch = setInterval(() => {
    if (ancestors() === npm) return;
    clearInterval(watch);
    process.kill(process.pid, "SIGTERM");
  }, 250).unref();
}

/** Runs the command of this process's arguments; resolves with its exit code when all output has left. */
export function start(): Promise<number> {
  followLauncher();
  followNpm();
  return runProgram(createProgram(), processIo(process, realClock));
}
