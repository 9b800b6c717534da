import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import type { Caps, Narrowed } from "@skep/owner";
import type { SandboxPool } from "@skep/sandbox";

/** How a limit is enforced on this machine, or why it is not. */
export interface Enforced {
  readonly what: string;
  readonly how: string;
}

/** Niceness of modules on a machine whose owner laid down rules. */
export const owned = 19;

/** Every thread that there is reads and writes only when nobody else does; why that is not so, where it is not. */
export async function idleDisk(pid: number): Promise<string | undefined> {
  const tasks = readdirSync(`/proc/${pid}/task`);
  const tool = spawn("ionice", ["-c", "3", "-p", ...tasks], { stdio: "ignore" });
  return await new Promise((resolve) => {
    tool.once("error", () => resolve("ionice is not installed"));
    tool.once("close", (code) => resolve(code === 0 ? undefined : "the kernel refuses"));
  });
}

/** What of the owner's caps is enforced how. */
export function enforcedBy(
  pool: Pick<SandboxPool, "layers" | "noCpuLimit">,
  caps: Caps,
  narrowed: Narrowed,
  noIdleDisk: string | undefined,
): readonly Enforced[] {
  const found: Enforced[] = [
    { what: "niceness", how: `${owned} for every module` },
    {
      what: "disk priority",
      how: noIdleDisk ? `not lowered: ${noIdleDisk}` : "idle class, for what the worker reads and writes",
    },
  ];
  const cpus = Math.round((narrowed.cpus ?? 0) * 100) / 100;
  if (caps.cpu !== null)
    found.push({
      what: "caps.cpu",
      how: pool.noCpuLimit
        ? `not enforced: ${pool.noCpuLimit}; modules still yield to everybody by their niceness`
        : `${cpus} processors, by a control group`,
    });
  if (caps.memory !== null)
    found.push({
      what: "caps.memory",
      how: `${narrowed.slots} at a time, each at most ${Math.round((narrowed.memoryBytes + narrowed.overheadBytes) / 2 ** 20)} MiB, ${pool.layers.includes("memory-cgroup") ? "by a control group" : "looked at every 20 ms: no control group can be made here"}`,
    });
  if (caps.disk !== null)
    found.push({ what: "caps.disk", how: "the worker keeps fewer modules and takes less output" });
  if (caps.network !== null)
    found.push({
      what: "caps.network",
      how: "the worker waits between what it fetches; modules have no network",
    });
  if (caps.slots !== null) found.push({ what: "caps.slots", how: `${narrowed.slots} at a time` });
  return found;
}
