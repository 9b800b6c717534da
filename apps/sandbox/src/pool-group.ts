import { readFileSync, writeFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { hierarchies, removeGroup, sweepGroups } from "./cgroup.ts";

/** Stops and starts again what is in a control group, all at once. */
export interface GroupFreezer {
  readonly method: "cgroup v2 freezer" | "cgroup v1 freezer";
  /** Asks the kernel to stop everything in it; returns before that is done. */
  freeze(): void;
  thaw(): void;
  isFrozen(): boolean;
}

/** Control groups that all processes of a pool share. */
export interface PoolGroup {
  /** Files into which each process writes 0 to join. */
  readonly procs: readonly string[];
  readonly freezer: GroupFreezer | null;
  /** Why no group here limits processor time; null where one does, or where no limit was asked for. */
  readonly noCpu: string | null;
  remove(): Promise<void>;
}

/** The freezer of one version 2 group. */
export function freezerOf(dir: string): GroupFreezer {
  const say = (value: string) => writeFileSync(join(dir, "cgroup.freeze"), value);
  return {
    method: "cgroup v2 freezer",
    freeze: () => say("1"),
    thaw: () => say("0"),
    isFrozen: () => /^frozen 1$/m.test(readFileSync(join(dir, "cgroup.events"), "latin1")),
  };
}

function oldFreezerOf(dir: string): GroupFreezer {
  const file = join(dir, "freezer.state");
  return {
    method: "cgroup v1 freezer",
    freeze: () => writeFileSync(file, "FROZEN"),
    thaw: () => writeFileSync(file, "THAWED"),
    isFrozen: () => readFileSync(file, "latin1").trim() === "FROZEN",
  };
}

/** Microseconds over which processor time is counted. */
const periodUs = 50_000;
let serial = 0;

/** Makes a group and sets it up; undefined, and nothing left of it, where either fails. */
async function made<T>(parent: string | undefined, setUp: (dir: string) => T | Promise<T>) {
  if (parent === undefined) return undefined;
  const dir = join(parent, `skep-${process.pid}-pool${serial++}`);
  try {
    await mkdir(dir);
    return { dir, value: await setUp(dir) };
  } catch {
    await removeGroup(dir);
    return undefined;
  }
}

function working(freezer: GroupFreezer): GroupFreezer {
  freezer.thaw();
  freezer.isFrozen();
  return freezer;
}

async function setQuota(dir: string, cpus: number): Promise<void> {
  await writeFile(join(dir, "cpu.cfs_period_us"), String(periodUs));
  await writeFile(join(dir, "cpu.cfs_quota_us"), String(Math.max(1000, Math.round(cpus * periodUs))));
}

/**
 * Makes the groups of one pool where version 1 controllers are mounted. Where everything is version 2 a process has one group
 * only, its own: then nothing is shared, each is frozen by itself, and `limitCpu` gives each its part.
 */
export async function makePoolGroup(cpus: number | undefined): Promise<PoolGroup> {
  const found = await hierarchies().catch(() => new Map<string, string>());
  if (!found.has("memory")) return { procs: [], freezer: null, noCpu: null, remove: async () => {} };
  await sweepGroups([found.get("") ?? "", found.get("freezer") ?? "", found.get("cpu") ?? ""]);
  const freezer =
    (await made(found.get(""), (dir) => working(freezerOf(dir)))) ??
    (await made(found.get("freezer"), (dir) => working(oldFreezerOf(dir))));
  const cpu = cpus === undefined ? undefined : await made(found.get("cpu"), (dir) => setQuota(dir, cpus));
  const dirs = [freezer, cpu].flatMap((group) => (group ? [group.dir] : []));
  return {
    procs: dirs.map((dir) => join(dir, "cgroup.procs")),
    freezer: freezer?.value ?? null,
    noCpu: cpus === undefined || cpu ? null : "no processor control group can be made here",
    remove: async () => {
      await Promise.all(dirs.map(removeGroup));
    },
  };
}

/** Limits the processor time of a version 2 group; false where that controller is not delegated. */
export async function limitCpu(dir: string, cpus: number): Promise<boolean> {
  const text = `${Math.max(1000, Math.round(cpus * periodUs))} ${periodUs}`;
  return await writeFile(join(dir, "cpu.max"), text).then(
    () => true,
    () => false,
  );
}
