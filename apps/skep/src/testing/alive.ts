import { readFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";

/** Whether a process runs; one that ended and that nobody asked about yet does not. */
function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

/** Waits until a process has ended; false where it still runs after `ms` and is ended by this. */
export async function hasEnded(pid: number, ms = 20_000): Promise<boolean> {
  const until = performance.now() + ms;
  while (isAlive(pid) && performance.now() < until) await wait(10);
  if (!isAlive(pid)) return true;
  process.kill(pid, "SIGKILL");
  return false;
}
