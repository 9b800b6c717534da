import type { ChildProcess, IOType } from "node:child_process";
import { openSync, readdirSync, readFileSync } from "node:fs";

const closedOnExec = 0o2000000;
let nowhere: number | undefined;

/** Descriptors above 2 that this process got from its parent and that its children would inherit in turn. */
export function inheritedDescriptors(): number[] {
  try {
    return readdirSync("/proc/self/fd")
      .map(Number)
      .filter((fd) => {
        if (fd < 3) return false;
        try {
          const flags = /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "latin1"))?.[1];
          return flags !== undefined && (Number.parseInt(flags, 8) & closedOnExec) === 0;
        } catch {
          return false;
        }
      });
  } catch {
    return [];
  }
}

/** The stdio of a child that shall have these descriptors only: /dev/null takes the place of what it would inherit. */
export function plumbing(own: readonly IOType[], inherited: readonly number[]): (IOType | number)[] {
  const all: (IOType | number)[] = [...own];
  for (const fd of inherited) {
    if (fd < own.length) continue;
    while (all.length < fd) all.push("ignore");
    nowhere ??= openSync("/dev/null", "r+");
    all[fd] = nowhere;
  }
  return all;
}

/** SIGKILL to a detached child and everything in its process group. */
export function endGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    child.kill("SIGKILL");
  }
}
