import { readFileSync } from "node:fs";
import { fault } from "./faults.ts";
import { type MountPlan, mountArguments } from "./line.ts";
import { prepareDir, removeDir } from "./place.ts";
import { run } from "./run.ts";

function knows9p(): boolean {
  try {
    return /^nodev\s+9p$/m.test(readFileSync("/proc/filesystems", "utf8"));
  } catch {
    return false;
  }
}

/** Whether the kernel can mount 9P. What is a module is known to it only once it is loaded, which root may do. */
export async function kernelHas9p(): Promise<boolean> {
  if (!knows9p() && process.getuid?.() === 0) await run("modprobe", ["-a", "9p", "9pnet_fd"]);
  return knows9p();
}

/** Mounts with the kernel's 9P client. Throws `mount.*`. */
export async function mountByKernel(plan: MountPlan): Promise<void> {
  if (process.getuid?.() !== 0) throw fault.root();
  if (!(await kernelHas9p())) throw fault.kernel();
  const made = prepareDir(plan.dir);
  const { code, told } = await run("mount", mountArguments(plan));
  if (code === 0) return;
  if (made) removeDir(plan.dir);
  throw fault.failed(told || `exit code ${code}`);
}
