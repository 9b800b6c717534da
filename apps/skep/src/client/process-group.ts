import { hasCode } from "./files.ts";

/** Ends a process that was started `detached` (a group of its own), with all that it started and that stayed in its group. */
export function endGroup(leader: number | undefined): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, "SIGKILL");
  } catch (thrown) {
    if (!hasCode(thrown, "ESRCH")) throw thrown;
  }
}
