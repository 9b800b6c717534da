import { mkdir, readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A control group of one runner. */
export interface Cgroup {
  /** Files into which the process writes 0 to join. */
  readonly procs: readonly string[];
  /** Its directory where all controllers are version 2, and with them its freezer; else null. */
  readonly unified: string | null;
  setMemory(bytes: number): Promise<void>;
  /** Asks for as much of its memory to be written out as can be. */
  squeeze(): Promise<void>;
  /** Whether the kernel killed or refused for want of memory. */
  exhausted(): Promise<boolean>;
  remove(): Promise<void>;
}

/** Where control groups can be made. */
export interface CgroupHome {
  readonly version: 1 | 2;
  readonly memory: string;
  readonly pids: string | null;
  make(name: string, memoryBytes: number): Promise<Cgroup>;
}

/** Threads and processes that one runner may have; Node itself uses about ten. */
const mostTasks = 64;

interface Layout {
  readonly version: 1 | 2;
  readonly memory: string;
  readonly pids: string | null;
}

/** The directories of this process's groups by controller, that of version 2 under the empty name. */
export function groupDirs(cgroups: string, mounts: string): ReadonlyMap<string, string> {
  const paths = new Map<string, string>();
  for (const line of cgroups.trim().split("\n")) {
    const [, controllers = "", ...rest] = line.split(":");
    for (const name of controllers.split(",")) paths.set(name, rest.join(":"));
  }
  const points = new Map<string, string>();
  for (const line of mounts.trim().split("\n")) {
    const [left = "", right = ""] = line.split(" - ");
    const [type = "", , options = ""] = right.split(" ");
    const point = left.split(" ")[4] ?? "";
    if (type === "cgroup2") points.set("", point);
    if (type === "cgroup") for (const name of options.split(",")) points.set(name, point);
  }
  const found = new Map<string, string>();
  for (const [name, point] of points) {
    const path = paths.get(name);
    if (path !== undefined) found.set(name, join(point, path).replace(/(.)\/$/, "$1"));
  }
  return found;
}

/** Finds where memory and task groups go, in the text of /proc/self/cgroup and /proc/self/mountinfo. */
export function cgroupLayout(cgroups: string, mounts: string): Layout | undefined {
  const found = groupDirs(cgroups, mounts);
  const dir = (name: string) => found.get(name) ?? null;
  const memory = dir("memory");
  if (memory !== null) return { version: 1, memory, pids: dir("pids") };
  const unified = dir("");
  return unified === null ? undefined : { version: 2, memory: unified, pids: unified };
}

/** Removes a group, waiting a moment for what ends in it. */
export async function removeGroup(dir: string): Promise<void> {
  for (let round = 0; round < 20; round++)
    try {
      return await rmdir(dir);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EBUSY") return;
      await sleep(5 * (round + 1));
    }
}

async function makeGroup(layout: Layout, name: string, memoryBytes: number): Promise<Cgroup> {
  const { version } = layout;
  const memory = join(layout.memory, name);
  const pids = layout.pids === null ? null : join(layout.pids, name);
  const dirs = [...new Set(pids === null ? [memory] : [memory, pids])];
  const setMemory = (bytes: number) =>
    writeFile(join(memory, version === 1 ? "memory.limit_in_bytes" : "memory.max"), String(bytes));
  const remove = async () => {
    await Promise.all(dirs.map(removeGroup));
  };
  try {
    for (const dir of dirs) await mkdir(dir);
    await setMemory(memoryBytes);
    if (version === 2) await writeFile(join(memory, "memory.swap.max"), "0").catch(() => {});
    if (pids !== null) await writeFile(join(pids, "pids.max"), String(mostTasks));
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    procs: dirs.map((dir) => join(dir, "cgroup.procs")),
    unified: version === 2 ? memory : null,
    setMemory,
    remove,
    async squeeze() {
      const [file, text] = version === 1 ? ["memory.force_empty", "0"] : ["memory.reclaim", String(2 ** 40)];
      await writeFile(join(memory, file as string), text as string).catch(() => {});
    },
    async exhausted() {
      const file = version === 1 ? "memory.oom_control" : "memory.events";
      const text = await readFile(join(memory, file), "utf8").catch(() => "");
      return /^oom_kill [1-9]/m.test(text);
    },
  };
}

function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** SIGKILL to what is in a group. */
async function empty(dir: string): Promise<void> {
  const text = await readFile(join(dir, "cgroup.procs"), "utf8").catch(() => "");
  for (const pid of text
    .split("\n")
    .map(Number)
    .filter((one) => one > 1))
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // gone meanwhile
    }
}

/**
 * Removes the groups of callers that were killed before they could. A bubblewrap whose caller dies while it starts can
 * be left waiting for ever with nothing run in it: that, too, ends here.
 */
export async function sweepGroups(dirs: Iterable<string>): Promise<void> {
  for (const dir of new Set(dirs))
    for (const name of await readdir(dir).catch(() => [])) {
      const pid = Number(/^skep-(\d+)-\w+$/.exec(name)?.[1] ?? Number.NaN);
      if (!(pid > 0) || lives(pid)) continue;
      // SIGKILL ends what a version 1 freezer holds only once it lets go.
      await writeFile(join(dir, name, "freezer.state"), "THAWED").catch(() => {});
      await empty(join(dir, name));
      await removeGroup(join(dir, name));
    }
}

async function ownTexts(): Promise<[cgroups: string, mounts: string]> {
  return await Promise.all([readFile("/proc/self/cgroup", "utf8"), readFile("/proc/self/mountinfo", "utf8")]);
}

/** The directories of this process's groups by version 1 controller; that of version 2 under the empty name. */
export async function hierarchies(): Promise<ReadonlyMap<string, string>> {
  return groupDirs(...(await ownTexts()));
}

/** Tries whether a memory group can be made below the own one; the reason where it cannot. */
export async function findCgroups(): Promise<CgroupHome | string> {
  try {
    const layout = cgroupLayout(...(await ownTexts()));
    if (!layout) return "no memory control group is mounted";
    const home = (from: Layout): CgroupHome => ({
      ...from,
      make: (name, bytes) => makeGroup(from, name, bytes),
    });
    await sweepGroups([layout.memory, layout.pids ?? layout.memory]);
    const name = `skep-${process.pid}-probe`;
    for (const tried of [layout, { ...layout, pids: null }])
      try {
        await (await makeGroup(tried, name, 256 * 1024 * 1024)).remove();
        return home(tried);
      } catch (error) {
        if (tried.pids === null) throw error;
      }
    return "unreachable";
  } catch (error) {
    return `a memory control group cannot be made (${(error as NodeJS.ErrnoException).code ?? "error"})`;
  }
}
