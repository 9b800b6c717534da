import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { endGroup, inheritedDescriptors, plumbing } from "./descriptors.ts";
import { type CgroupHome, findCgroups } from "./cgroup.ts";
import { type Attempt, attempts, type Who } from "./attempts.ts";
import { programFiles } from "./libraries.ts";

/** A layer that this host does not give. */
export interface MissingLayer {
  readonly layer: string;
  readonly reason: string;
  /** The next step, one sentence. */
  readonly cure: string;
}

/** Layers that a caller may switch off, in tests. */
export interface LayerSwitches {
  readonly bubblewrap?: boolean;
  readonly cgroup?: boolean;
}

/** What stands between a runner and this host. */
export interface Host {
  readonly layers: readonly string[];
  readonly missing: readonly MissingLayer[];
  /** Whom the command is started as. */
  readonly who: Who;
  /** Command words before Node's own; the last one starts Node. */
  readonly prefix: readonly string[];
  readonly node: string;
  /** Whether the prefix writes the runner's process id to descriptor 3. */
  readonly tellsPid: boolean;
  readonly rlimits: boolean;
  readonly cgroups: CgroupHome | null;
  /** Descriptors of this process that a child would inherit. */
  readonly inherited: readonly number[];
}

/** Stack of a runner's threads; deep but modest calls must end by our count, not by the engine's. */
export const stackKib = 32_768;

function findTool(name: string): string | undefined {
  const dirs = (process.env.PATH ?? "").split(delimiter).concat("/usr/bin", "/bin", "/usr/sbin", "/sbin");
  return dirs
    .map((dir) => join(dir, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** Runs a command to its end; the first line of its complaint where it fails. */
function trial(
  words: readonly string[],
  inherited: readonly number[],
  who: Who = {},
): Promise<string | undefined> {
  const [file = "", ...args] = words;
  const stdio = plumbing(["ignore", "ignore", "pipe", "pipe"], inherited);
  const child = spawn(file, args, { ...who, env: {}, cwd: "/", detached: true, stdio });
  const timer = setTimeout(() => endGroup(child), 5000);
  let complaint = "";
  child.stderr?.on("data", (bytes: Buffer) => {
    if (complaint.length < 1000) complaint += bytes.toString("latin1");
  });
  child.stdio[3]?.on("error", () => {}).on("data", () => {});
  // A wrapper that fails may leave a half-made process behind, which holds the pipes open.
  child.once("exit", () => endGroup(child));
  return new Promise((resolve) => {
    const end = (otherwise: string | undefined) => {
      clearTimeout(timer);
      resolve(otherwise && (complaint.trim().split("\n")[0] || otherwise).slice(0, 200));
    };
    child.once("error", (error) => end(error.message));
    child.once("close", (code, signal) => end(code === 0 ? undefined : `it ended with ${signal ?? code}`));
  });
}

/** Sets the limits of what follows: memory and stack, no file written, no core left, few descriptors, some time. */
export function limitScript(dataBytes: number, cpuSeconds: number): string {
  const kib = Math.ceil(dataBytes / 1024);
  const limits = [`d ${kib}`, `s ${stackKib}`, "f 0", "c 0", "n 64", `t ${Math.ceil(cpuSeconds)}`];
  return limits.map((limit) => `ulimit -${limit}; `).join("");
}

function missingOf(layers: readonly string[], why: ReadonlyMap<string, string>): MissingLayer[] {
  const cures: Record<string, string> = {
    bubblewrap: "Install bubblewrap (apt-get install bubblewrap) and allow user namespaces",
    "network-namespace": "Install bubblewrap or util-linux's unshare, and allow user namespaces",
    "unprivileged-user": "Let every user reach the node program, and install setpriv (util-linux)",
    "no-new-privileges": "Install setpriv (util-linux)",
    "parent-death-signal": "Install setpriv (util-linux)",
    rlimits: "Provide a POSIX shell at /bin/sh",
    "memory-cgroup": "Run as root or in a unit with Delegate=yes",
    "pids-cgroup": "Run as root or in a unit with Delegate=yes",
  };
  const wanted = Object.keys(cures).filter(
    (name) => name !== "unprivileged-user" || process.getuid?.() === 0,
  );
  return wanted
    .filter((name) => !layers.includes(name))
    .map((layer) => ({
      layer,
      reason: why.get(layer) ?? "no working arrangement has it",
      cure: cures[layer] ?? "",
    }));
}

async function choose(
  switches: LayerSwitches,
  inherited: readonly number[],
  why: Map<string, string>,
): Promise<Attempt> {
  const bwrap = switches.bubblewrap === false ? undefined : findTool("bwrap");
  if (!bwrap)
    why.set("bubblewrap", switches.bubblewrap === false ? "switched off" : "bwrap is not installed");
  const tools = { bwrap, setpriv: findTool("setpriv"), unshare: findTool("unshare") };
  if (!tools.setpriv) why.set("no-new-privileges", "setpriv is not installed");
  const binds = bwrap ? await programFiles(process.execPath).catch(() => undefined) : undefined;
  for (const attempt of attempts(tools, process.execPath, binds)) {
    const failed = await trial([...attempt.prefix, attempt.node, "--version"], inherited, attempt.who);
    if (failed === undefined) return attempt;
    for (const layer of attempt.layers) if (!why.has(layer)) why.set(layer, failed);
  }
  throw new Error("Cannot start a runner: not even the plain program starts");
}

/** Tries what this host gives, once; about 50 ms, all of it in other processes. */
export async function findHost(switches: LayerSwitches = {}): Promise<Host> {
  const why = new Map<string, string>();
  const inherited = inheritedDescriptors();
  const [attempt, cgroups, limits] = await Promise.all([
    choose(switches, inherited, why),
    switches.cgroup === false ? "switched off" : findCgroups(),
    trial(
      ["/bin/sh", "-c", `${limitScript(2 ** 30, 60)}exec "$@"`, "sh", process.execPath, "--version"],
      inherited,
    ),
  ]);
  const layers = ["node-permission", "resident-watch", ...attempt.layers];
  if (limits === undefined) layers.push("rlimits");
  else why.set("rlimits", limits);
  if (typeof cgroups === "string") {
    why.set("memory-cgroup", cgroups);
    why.set("pids-cgroup", cgroups);
  } else {
    layers.push("memory-cgroup");
    if (cgroups.pids !== null) layers.push("pids-cgroup");
  }
  layers.sort();
  return {
    layers,
    missing: missingOf(layers, why),
    who: attempt.who,
    prefix: attempt.prefix,
    node: attempt.node,
    tellsPid: attempt.tellsPid,
    rlimits: limits === undefined,
    cgroups: typeof cgroups === "string" ? null : cgroups,
    inherited,
  };
}
