import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { type Command, type Context, command } from "@skep/edge-cli";
import { faults } from "@skep/fault";
import { connect, type Target, targetOf } from "../client/connect.ts";
import { hasCode } from "../client/files.ts";
import { type MountPlan, mountArguments, mountLine, shellWord } from "../mount/line.ts";
import { untilAborted } from "./up.ts";

const fault = faults("mount", {
  root: ["denied", "Cannot mount: only root may", { cure: "Run the line above with sudo" }],
  kernel: [
    "unsupported",
    "Cannot mount: this kernel has no 9p",
    { cure: "Load it with `modprobe 9p 9pnet_fd`, or use `skep ls`, `skep cat` and `skep echo`" },
  ],
  failed: ["failed", "Cannot mount: mount(8) failed"],
  dir: ["notDirectory", "Cannot mount on what is no directory"],
});

function kernelHas9p(): boolean {
  try {
    return /^nodev\s+9p$/m.test(readFileSync("/proc/filesystems", "utf8"));
  } catch {
    return false;
  }
}

function run(program: string, words: readonly string[]): Promise<{ code: number; told: string }> {
  return new Promise((done) => {
    const child = spawn(program, words, { stdio: ["ignore", "ignore", "pipe"] });
    let told = "";
    child.stderr.on("data", (data: Buffer) => {
      told = (told + data.toString()).slice(-500);
    });
    child.once("error", (error) => done({ code: 127, told: error.message }));
    child.once("close", (code) => done({ code: code ?? 1, told: told.trim() }));
  });
}

function makeDir(dir: string): void {
  try {
    mkdirSync(dir, { mode: 0o700 });
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw error;
    if (!statSync(dir).isDirectory()) throw fault.dir(dir);
  }
}

async function mountNow(plan: MountPlan): Promise<void> {
  if (process.getuid?.() !== 0) throw fault.root();
  // What is a module is known to the kernel only once it is loaded.
  if (!kernelHas9p()) await run("modprobe", ["-a", "9p", "9pnet_fd"]);
  if (!kernelHas9p()) throw fault.kernel();
  makeDir(plan.dir);
  const { code, told } = await run("mount", mountArguments(plan));
  if (code !== 0) throw fault.failed(told || `exit code ${code}`);
}

async function tell({ out }: Context, plan: MountPlan): Promise<void> {
  if (out.wantsJson)
    await out.json({ line: mountLine(plan), ...plan, unmount: `umount ${shellWord(plan.dir)}` });
  else await out.data(`${mountLine(plan)}\n`);
}

async function mountThrough(context: Context, plan: MountPlan, print: boolean): Promise<void> {
  await tell(context, plan);
  if (print) return;
  await mountNow(plan);
  context.out.message(`Mounted; unmount it with: umount ${shellWord(plan.dir)}`);
}

/** Mounts through a socket of our own that adds the ticket, until a signal comes. */
async function mountByProxy(
  context: Context,
  target: Target,
  plan: Omit<MountPlan, "socket">,
  print: boolean,
) {
  const { env } = context.io;
  const runtime = env.XDG_RUNTIME_DIR;
  const base = runtime && isAbsolute(runtime) ? runtime : tmpdir();
  const place = mkdtempSync(join(base, "skep-mount-"));
  try {
    const { openProxy } = await import("../mount/proxy.ts");
    const report = (line: string): void => context.out.detail(line);
    await using proxy = await openProxy(join(place, "9p.sock"), target, report);
    await mountThrough(context, { ...plan, socket: proxy.path }, print);
    context.out.message("The mount lasts while this runs; Ctrl-C ends it");
    await untilAborted(context.signal);
    if (!print) await run("umount", [plan.dir]);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

/** `skep mount`. */
export const mount: Command = command({
  name: "mount",
  group: "files",
  summary: "Mount the hive with the kernel's 9P client",
  doc: "Always through a unix socket in a directory that only you can enter; no ticket stands in the mount's options, and no other user of the machine gets through. A context with a ticket is mounted through a socket of this command, which stays until Ctrl-C. Where it may not mount it prints the line and says why.",
  examples: [
    { run: "sudo skep mount /mnt/hive --home /srv/hive", doc: "Mounted until `umount /mnt/hive`" },
    { run: "skep mount /mnt/hive --print", doc: "Only the line" },
  ],
  args: [{ name: "dir", kind: "directory", doc: "Where; made when it is not there" }],
  flags: {
    print: { kind: "boolean", doc: "Print the line and mount nothing" },
    uid: { kind: "integer", doc: "The only user who gets through; default: you" },
    msize: { kind: "size", default: "128KiB", doc: "Largest message" },
  },
  run: async (context) => {
    const { args, flags, signal } = context;
    const target = targetOf(context);
    const uid = flags.uid ?? process.getuid?.() ?? 0;
    const plan = { dir: resolve(args.dir), uid, msize: flags.msize };
    // Refused here with its cure, and not by the kernel with a number.
    await (await connect(target, signal)).close();
    if ("path" in target.place && target.aname === "")
      await mountThrough(context, { ...plan, socket: target.place.path }, flags.print);
    else await mountByProxy(context, target, plan, flags.print);
  },
});
