import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { type Command, type Context, command } from "@skep/edge-cli";
import { connect, type Target, targetOf } from "../client/connect.ts";
import { fault } from "../mount/faults.ts";
import { type MountPlan, mountLine } from "../mount/line.ts";
import { untilAborted } from "./up.ts";

/** What was asked for, whichever way it is mounted. */
interface Asked {
  readonly target: Target;
  readonly dir: string;
  readonly uid: number;
  readonly msize: number;
  readonly print: boolean;
  readonly foreground: boolean;
}

async function tellLine({ out }: Context, plan: MountPlan): Promise<void> {
  const { unmountLine } = await import("../mount/place.ts");
  const line = mountLine(plan);
  if (out.wantsJson) await out.json({ by: "9p", line, ...plan, unmount: unmountLine(plan.dir) });
  else await out.data(`${line}\n`);
}

async function untilStopped(context: Context, dir: string): Promise<void> {
  context.out.message("The mount lasts while this runs; Ctrl-C ends it");
  await untilAborted(context.signal);
  const { unmount } = await import("../mount/place.ts");
  const { code, told } = await unmount(dir, context.io.env);
  if (code !== 0) context.out.warn(`Cannot unmount ${dir}: ${told}`);
}

async function throughSocket(context: Context, { print, foreground, ...plan }: Asked & { socket: string }) {
  const { socket, dir, uid, msize } = plan;
  await tellLine(context, { socket, dir, uid, msize });
  if (!print) {
    const { mountByKernel } = await import("../mount/kernel.ts");
    await mountByKernel({ socket, dir, uid, msize });
    const { unmountLine } = await import("../mount/place.ts");
    context.out.message(`Mounted; unmount it with: ${unmountLine(dir)}`);
  }
  if (foreground && !print) await untilStopped(context, dir);
}

/** Mounts through a socket of our own that adds the ticket, until a signal comes. */
async function throughProxy(context: Context, asked: Asked) {
  const runtime = context.io.env.XDG_RUNTIME_DIR;
  const base = runtime && isAbsolute(runtime) ? runtime : tmpdir();
  const place = mkdtempSync(join(base, "skep-mount-"));
  try {
    const { openProxy } = await import("../mount/proxy.ts");
    const report = (line: string): void => context.out.detail(line);
    await using proxy = await openProxy(join(place, "9p.sock"), asked.target, report);
    await throughSocket(context, { ...asked, foreground: true, socket: proxy.path });
    if (!asked.print) return;
    context.out.message("The mount lasts while this runs; Ctrl-C ends it");
    await untilAborted(context.signal);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

async function by9p(context: Context, asked: Asked): Promise<void> {
  const { place, aname } = asked.target;
  if ("path" in place && aname === "") await throughSocket(context, { ...asked, socket: place.path });
  else await throughProxy(context, asked);
}

async function byFuse(context: Context, { foreground, ...asked }: Asked): Promise<void> {
  const [{ mountFuse }, { unmountLine }] = await Promise.all([
    import("../mount/fuse.ts"),
    import("../mount/place.ts"),
  ]);
  const { out, io, signal } = context;
  const { dir } = asked;
  const report = (line: string): void => out.detail(line);
  const mounted = await mountFuse({ ...asked, stays: !foreground, env: io.env, report });
  if (signal.aborted) return await mounted.stop();
  const unmount = unmountLine(dir);
  if (out.wantsJson) await out.json({ by: "fuse", dir, uid: asked.uid, pid: mounted.pid, unmount });
  out.message(`Mounted through FUSE; unmount it with: ${unmount}`);
  if (!foreground) {
    mounted.leave();
    return;
  }
  out.message("The mount lasts while this runs; Ctrl-C ends it");
  await Promise.race([untilAborted(signal), mounted.ended]);
  if (signal.aborted) await mounted.stop();
  else out.message("Unmounted");
}

async function unmountNow({ out, io }: Context, dir: string): Promise<void> {
  const { unmountHive } = await import("../mount/place.ts");
  const { lazily } = await unmountHive(dir, io.env);
  if (out.wantsJson) await out.json({ dir, unmounted: true, inUse: lazily });
  else out.message(lazily ? "Unmounted; who is in it still keeps it until they leave" : "Unmounted");
}

/** The kernel's own client where this user may use it, else FUSE. */
async function usualWay(): Promise<"9p" | "fuse"> {
  if (process.getuid?.() !== 0) return "fuse";
  const { kernelHas9p } = await import("../mount/kernel.ts");
  return (await kernelHas9p()) ? "9p" : "fuse";
}

/** `skep mount`. */
export const mount: Command = command({
  name: "mount",
  group: "files",
  summary: "Mount the hive as a directory",
  doc: "With the kernel's 9P client where it has one and you are root, else through FUSE, which needs no root but fusermount3 and python3. No ticket stands in the mount's options, and no other user of the machine gets through. What is mounted stays when this ends, but for a context with a ticket through 9P, which is mounted through a socket of this command and stays until Ctrl-C. Through FUSE everything on a mount fails while the hive is away, and goes on when it is back: a program only has to open its files again.",
  examples: [
    { run: "skep mount ~/hive", doc: "Mounted until `skep mount --unmount ~/hive`" },
    { run: "sudo skep mount /mnt/hive --home /srv/hive --uid 1000", doc: "For another user" },
    { run: "skep mount /mnt/hive --print", doc: "Only the line of mount(8), for the kernel's 9P" },
  ],
  args: [{ name: "dir", kind: "directory", doc: "Where: an empty directory, or one that is made" }],
  flags: {
    by: {
      kind: "choice",
      choices: ["9p", "fuse"],
      doc: "Which way; default: the kernel's 9P where it can be used",
    },
    foreground: { kind: "boolean", doc: "Stay until Ctrl-C, then unmount" },
    unmount: { kind: "boolean", doc: "Unmount what was mounted there" },
    print: { kind: "boolean", doc: "Print the line and mount nothing" },
    uid: { kind: "integer", doc: "The only user who gets through; default: you" },
    msize: { kind: "size", default: "128KiB", doc: "Largest message" },
  },
  run: async (context) => {
    const { args, flags, signal } = context;
    const dir = resolve(args.dir);
    if (flags.unmount) return await unmountNow(context, dir);
    if (flags.print && flags.by === "fuse") throw fault.print();
    const target = targetOf(context);
    const uid = flags.uid ?? process.getuid?.() ?? 0;
    const { print, foreground, msize } = flags;
    // Refused here with its cure, and not by the kernel with a number.
    await (await connect(target, signal)).close();
    const way = print ? "9p" : (flags.by ?? (await usualWay()));
    await (way === "9p" ? by9p : byFuse)(context, { target, dir, uid, msize, print, foreground });
  },
});
