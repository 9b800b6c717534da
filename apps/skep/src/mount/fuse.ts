import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Target } from "../client/connect.ts";
import { hasCode } from "../client/files.ts";
import { fault } from "./faults.ts";
import { findFusermount, mountedAt, prepareDir, removeDir, subtype, unmount } from "./place.ts";
import { receiver } from "./receive.ts";
import { run } from "./run.ts";

/** What a mount through FUSE is made of. */
export interface FusePlan {
  readonly target: Target;
  readonly dir: string;
  /** The only user who gets in, and who owns what there is. */
  readonly uid: number;
  /** Largest 9P message. */
  readonly msize: number;
  /** It lasts when this process has ended. */
  readonly stays: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly report: (line: string) => void;
}

/** What the process that serves a mount is told, as one line on its stdin. */
export interface Errand {
  readonly target: Target;
  readonly dir: string;
  readonly uid: number;
  readonly gid: number;
  readonly msize: number;
  readonly stays: boolean;
}

/** A mount that stands. */
export interface FuseMount {
  /** The process that serves it. */
  readonly pid: number;
  /** Resolves with how it ended, whoever unmounted it. */
  readonly ended: Promise<number>;
  /** Unmounts, and waits until that is done. */
  stop(): Promise<void>;
  /** Lets it be. */
  leave(): void;
}

const entry = fileURLToPath(new URL("./serve.mjs", import.meta.url));
const rights = "nosuid,nodev,noexec";

async function groupOf(uid: number): Promise<number> {
  if (uid === process.getuid?.()) return process.getgid?.() ?? 0;
  const text = await new Promise<string>((done) => {
    const child = spawn("id", ["-g", String(uid)], { stdio: ["ignore", "pipe", "ignore"] });
    let out = "";
    child.stdout.on("data", (data: Buffer) => {
      out += data.toString();
    });
    child.once("error", () => done(""));
    child.once("close", () => done(out.trim()));
  });
  return /^\d+$/.test(text) ? Number(text) : uid;
}

function openFuse(): number {
  try {
    return openSync("/dev/fuse", "r+");
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENODEV", "ENXIO")) throw fault.device();
    if (hasCode(error, "EACCES", "EPERM")) throw fault.closed();
    throw error;
  }
}

// Its garbage is short-lived and little at a time: a small nursery keeps the process small.
const serverWords = ["--disable-warning=ExperimentalWarning", "--max-semi-space-size=2", entry];

/** As root: mount(8) takes the descriptor, and so does the server. */
async function serveAsRoot(plan: FusePlan, gid: number): Promise<ChildProcess> {
  const device = openFuse();
  try {
    const ids = `user_id=${plan.uid},group_id=${gid}`;
    const words = [
      "-i",
      "-t",
      `fuse.${subtype}`,
      "-o",
      `fd=3,rootmode=40000,${ids},${rights}`,
      "skep",
      plan.dir,
    ];
    const { code, told } = await run("mount", words, [device]);
    if (code !== 0) throw fault.failed(told || `exit code ${code}`);
    return spawn(process.execPath, [...serverWords, "3"], {
      detached: true,
      stdio: ["pipe", "pipe", "pipe", device],
    });
  } finally {
    closeSync(device);
  }
}

function serveAsUser(plan: FusePlan): ChildProcess {
  // It is opened by fusermount3, which may more; what is missing is better said here.
  closeSync(openFuse());
  const fusermount = findFusermount(plan.env);
  if (fusermount === undefined) throw fault.fusermount();
  const options = `fsname=skep,subtype=${subtype},${rights}`;
  const words = ["-I", "-c", receiver, fusermount, options, plan.dir, process.execPath, ...serverWords];
  return spawn("python3", words, { detached: true, stdio: ["pipe", "pipe", "pipe"] });
}

interface Heard {
  /** Resolves at the first line on stdout, or with nothing at the end. */
  readonly ready: Promise<boolean>;
  readonly ended: Promise<number>;
  told(): string;
}

function hear(child: ChildProcess, report: (line: string) => void): Heard {
  const ready = Promise.withResolvers<boolean>();
  let told = "";
  child.stdout?.once("data", () => ready.resolve(true));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    told = (told + text).slice(-500);
    for (const line of text.trimEnd().split("\n")) report(line);
  });
  child.stdin?.on("error", () => undefined);
  const ended = new Promise<number>((done) => {
    child.once("error", (error) => {
      told = hasCode(error, "ENOENT") ? "ENOENT" : error.message;
      done(127);
    });
    child.once("close", (code) => done(code ?? 1));
  });
  void ended.then(() => ready.resolve(false));
  return { ready: ready.promise, ended, told: () => told.trim() };
}

/**
 * Mounts through FUSE, with a process of its own that serves. Throws `mount.*`; nothing is mounted then.
 */
export async function mountFuse(plan: FusePlan): Promise<FuseMount> {
  const root = process.getuid?.() === 0;
  if (!root && plan.uid !== process.getuid?.()) throw fault.other(plan.uid);
  const gid = await groupOf(plan.uid);
  const made = prepareDir(plan.dir);
  try {
    return await served(plan, gid, root ? await serveAsRoot(plan, gid) : serveAsUser(plan));
  } catch (thrown) {
    await unmountOurs(plan);
    if (made) removeDir(plan.dir);
    throw thrown;
  }
}

async function unmountOurs({ dir, env }: FusePlan): Promise<void> {
  if (mountedAt(dir)) await unmount(dir, env);
}

async function served(plan: FusePlan, gid: number, child: ChildProcess): Promise<FuseMount> {
  const { target, dir, uid, msize, stays } = plan;
  const heard = hear(child, plan.report);
  const errand: Errand = { target, dir, uid, gid, msize, stays };
  child.stdin?.write(`${JSON.stringify(errand)}\n`);
  if (!(await heard.ready)) {
    if (heard.told() === "ENOENT") throw fault.receiver();
    throw fault.server(heard.told() || `exit code ${await heard.ended}`);
  }
  return {
    pid: child.pid ?? 0,
    ended: heard.ended,
    stop: async () => {
      child.kill("SIGTERM");
      await heard.ended;
    },
    leave: () => {
      for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy();
      child.unref();
    },
  };
}
