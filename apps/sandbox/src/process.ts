import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { setPriority } from "node:os";
import type { Readable, Writable } from "node:stream";
import { bootText } from "./boot.ts";
import type { Cgroup } from "./cgroup.ts";
import { endGroup, plumbing } from "./descriptors.ts";
import type { Common, Freezer } from "./freezer.ts";
import { encode, type Frame, FrameCutter, frame, jsonBytes } from "./frames.ts";
import { type Host, limitScript, stackKib } from "./host.ts";
import type { SandboxReason } from "./job.ts";
import { freezerOf, type GroupFreezer, limitCpu } from "./pool-group.ts";

const pipes = ["pipe", "pipe", "pipe"] as const;
const MiB = 1024 * 1024;
/** Private writable address space that Node maps before it does anything, most of it never touched. */
const reservedBytes = 672 * MiB;
/** Niceness of a process that nobody waits for yet. */
const patience = 5;
/** Bytes of a process's complaints that are kept. */
const complaintBytes = 8192;

/** What a runner is made for. */
export interface RunnerShape {
  /** Largest linear memory of a module, bytes. */
  readonly memoryBytes: number;
  /** Bytes that the process may use beside it. */
  readonly overheadBytes: number;
  readonly heapMiB: number;
  readonly cpuSeconds: number;
  /** Longest payload of an `admitted` frame; 0 for a runner that never checks. */
  readonly admittedBytes: number;
}

/** The memory is looked at no more often after a job, milliseconds. */
const glanceMs = 100;

let serial = 0;

/** Only root may take niceness back, so that nobody else gives any that is not to stay. */
function setNice(pid: number | undefined, nice: number, stays = false): void {
  if (pid === undefined || !(stays || process.getuid?.() === 0)) return;
  try {
    setPriority(pid, nice);
  } catch {
    // gone meanwhile
  }
}

/** Flags of the engine; what was compiled ahead is good only under the same. */
export function engineFlags(shape: Pick<RunnerShape, "heapMiB" | "memoryBytes">): string[] {
  return [
    `--max-old-space-size=${shape.heapMiB}`,
    `--stack-size=${stackKib - 2048}`,
    `--wasm-max-mem-pages=${Math.max(1, Math.floor(shape.memoryBytes / 65_536))}`,
    // Inlining makes metered recursion slower and its depth depend on the tier.
    "--no-wasm-inlining",
    // Drawing a seed for hashes takes a sixth of Node's start; here a module could only slow down itself.
    "--no-rehash-snapshot",
    "--expose-gc",
  ];
}

function nodeWords(node: string, shape: RunnerShape): string[] {
  return [
    node,
    "--permission",
    ...engineFlags(shape),
    "--v8-pool-size=1",
    "--disable-sigusr1",
    "--disable-warning=ExperimentalWarning",
    "--eval",
    bootText,
  ];
}

/** Whether the command itself may no longer join a control group: it then waits for a line until it has been put there. */
function isPutThere(host: Host, procs: readonly string[]): boolean {
  return procs.length > 0 && host.who.uid !== undefined;
}

/** The whole command; the shell joins the control group first, while it still may. */
function commandOf(host: Host, shape: RunnerShape, groups: readonly string[]): string[] {
  const words = [...host.prefix, ...nodeWords(host.node, shape)];
  const gate = isPutThere(host, groups) ? "read go || exit 1; " : "";
  const procs = gate ? [] : groups;
  if (!host.rlimits && !gate && procs.length === 0) return words;
  const dataBytes = reservedBytes + shape.overheadBytes + shape.memoryBytes;
  const join = procs.map((_, n) => `echo 0 > "$${n + 1}"; `).join("");
  const limits = host.rlimits ? limitScript(dataBytes, shape.cpuSeconds) : "";
  return [
    "/bin/sh",
    "-c",
    `${gate}${join}${limits}shift ${procs.length}; exec "$@"`,
    "sh",
    ...procs,
    ...words,
  ];
}

interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
  /** Whether the kernel ended it for want of memory in its control group. */
  readonly starved: boolean;
}

/** Why a runner ended that did not end by itself. */
export interface Ended {
  readonly reason: SandboxReason;
  readonly message: string;
}

/** One sandboxed process and the conversation with it. */
export class Runner implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #cgroup: Cgroup | undefined;
  readonly #common: Common;
  /** The freezer of its own control group, where it has one. */
  readonly own: GroupFreezer | undefined;
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #cutter: FrameCutter;
  readonly #exit: Promise<Exit>;
  #removed: Promise<void> | undefined;
  #pid: number | undefined;
  #hurried = false;
  #complaint = "";
  #killed: Ended | undefined;
  #gone = false;
  #memoryBytes: number;
  #peak = 0;
  #sampledAt = Number.NEGATIVE_INFINITY;
  /** Called once when the process is to end before its time, so that whoever waits elsewhere stops. */
  onKill: (() => void) | undefined;
  /** Longest checkpoint that is taken from it; a negative number refuses any. */
  checkpointBytes = -1;
  /** The subject whose modules it has run. */
  subject: string | undefined;
  jobs = 0;
  /** Milliseconds that jobs have run in it. */
  usedMs = 0;
  /** Digests that were sent to it, the oldest first. */
  readonly sent = new Set<string>();

  private constructor(
    child: ChildProcess,
    cgroup: Cgroup | undefined,
    shape: RunnerShape,
    tellsPid: boolean,
    common: Common,
  ) {
    this.#child = child;
    this.#cgroup = cgroup;
    this.#common = common;
    this.own = cgroup?.unified ? freezerOf(cgroup.unified) : undefined;
    this.#memoryBytes = shape.overheadBytes + shape.memoryBytes;
    this.#cutter = new FrameCutter((kind) => {
      if (kind === frame.admitted) return shape.admittedBytes;
      if (kind === frame.checkpoint) return this.checkpointBytes;
      return kind === frame.stdout || kind === frame.stderr ? 65_536 : jsonBytes;
    });
    this.#chunks = (child.stdout as Readable)[Symbol.asyncIterator]();
    const closed = new Promise<Exit>((resolve) => {
      child.once("error", (error) => {
        this.#complaint ||= error.message;
        resolve({ code: null, signal: null, starved: false });
      });
      child.once("close", (code, signal) => resolve({ code, signal, starved: false }));
    });
    this.#exit = closed.then(async (exit) => {
      this.#gone = true;
      common.freezer.delete(this);
      if (!cgroup) return exit;
      const starved = await cgroup.exhausted();
      this.#removed = cgroup.remove();
      return { ...exit, starved };
    });
    // A wrapper that fails may leave a half-made process behind, which holds the pipes open.
    child.once("exit", () => endGroup(child));
    child.stdin?.on("error", () => {});
    child.stderr?.on("data", (bytes: Buffer) => {
      if (this.#complaint.length < complaintBytes) this.#complaint += bytes.toString("latin1");
    });
    if (tellsPid) this.#learnPid(child.stdio[3] as Readable);
    else this.#pid = child.pid;
    for (const stream of [child, child.stdin, child.stdout, child.stderr, child.stdio[3]])
      (stream as { unref?: () => void } | null)?.unref?.();
  }

  #learnPid(info: Readable): void {
    let text = "";
    info.on("error", () => {});
    info.on("data", (bytes: Buffer) => {
      text += bytes.toString("latin1").slice(0, 4096 - text.length);
      const found = /"child-pid":\s*(\d+)/.exec(text);
      if (!found) return;
      this.#pid = Number(found[1]);
      if (this.#hurried) setNice(this.#pid, 0);
    });
  }

  /** Puts the process where it cannot go itself, and lets it go on. */
  async #join(procs: readonly string[]): Promise<void> {
    const put = procs.map((file) => writeFile(file, String(this.#child.pid)));
    await Promise.all(put).then(
      () => this.#child.stdin?.write("\n"),
      () => this.kill("crash", "It could not be put into its control group"),
    );
  }

  /**
   * Starts a process and waits until it is ready for work; throws what it complained of where it never is.
   * `begun` gets it before that.
   */
  static async start(
    host: Host,
    shape: RunnerShape,
    sources: Buffer,
    common: Common,
    begun?: (runner: Runner) => void,
  ): Promise<Runner> {
    const bytes = shape.overheadBytes + shape.memoryBytes;
    const cgroup = await host.cgroups?.make(`skep-${process.pid}-${serial++}`, bytes).catch(() => undefined);
    if (common.cpus !== undefined && cgroup?.unified) await limitCpu(cgroup.unified, common.cpus);
    const procs = [...(cgroup?.procs ?? []), ...common.procs];
    const [file = "", ...args] = commandOf(host, shape, procs);
    const child = spawn(file, args, {
      ...host.who,
      env: {},
      cwd: "/",
      detached: true,
      stdio: plumbing(host.tellsPid ? [...pipes, "pipe"] : pipes, host.inherited),
    });
    setNice(child.pid, common.nice ?? patience, common.nice !== undefined);
    const runner = new Runner(child, cgroup, shape, host.tellsPid, common);
    common.freezer.add(runner);
    begun?.(runner);
    if (isPutThere(host, procs)) await runner.#join(procs);
    (child.stdin as Writable).write(sources);
    const late = () => runner.kill("timeout", "it did not become ready within 20 s");
    const timer = common.freezer.after(20_000, late);
    const first = await runner.next();
    timer.stop();
    if (first?.kind === frame.ready) return runner;
    const { message } = await runner.ended();
    throw new Error(`Cannot start a runner: ${message}`);
  }

  /** Leader of its process group. */
  get leader(): number | undefined {
    return this.#child.pid;
  }

  /** The time in which it runs. */
  get time(): Freezer {
    return this.#common.freezer;
  }

  /** Asks the kernel to write its memory out, where it can. */
  squeeze(): void {
    void this.#cgroup?.squeeze();
  }

  /** Process id on this host; undefined where it is not known. */
  get pid(): number | undefined {
    return this.#pid;
  }

  /** Whether it has been told to end or has ended. */
  get over(): boolean {
    return this.#gone || this.#killed !== undefined || this.#child.exitCode !== null;
  }

  /** Ends the niceness with which it started: somebody waits now. */
  hurry(): void {
    if (this.#hurried || this.#common.nice !== undefined) return;
    this.#hurried = true;
    setNice(this.#child.pid, 0);
    if (this.#pid !== this.#child.pid) setNice(this.#pid, 0);
  }

  send(kind: number, payload: Uint8Array): void {
    if (this.over) return;
    for (const part of encode(kind, payload)) this.#child.stdin?.write(part);
  }

  /** Small frames that leave together. */
  sendAll(frames: readonly { readonly kind: number; readonly payload: Uint8Array }[]): void {
    if (this.over) return;
    this.#child.stdin?.write(Buffer.concat(frames.flatMap(({ kind, payload }) => encode(kind, payload))));
  }

  /** The next frame; undefined when there will be none. Nothing is read from the process but by this. */
  async next(): Promise<Frame | undefined> {
    try {
      for (;;) {
        const found = this.#cutter.next();
        if (found) return found;
        const { value, done } = await this.#chunks.next();
        if (done) return undefined;
        this.#cutter.push(value);
      }
    } catch (error) {
      this.kill("crash", `The runner broke its protocol: ${error instanceof Error ? error.message : ""}`);
      return undefined;
    }
  }

  /** Looks at the process's memory; the resident bytes now. */
  sample(): number {
    if (this.#pid === undefined) return 0;
    this.#sampledAt = performance.now();
    try {
      const text = readFileSync(`/proc/${this.#pid}/status`, "latin1");
      const of = (name: string) =>
        Number(new RegExp(`^${name}:\\s*(\\d+) kB`, "m").exec(text)?.[1] ?? 0) * 1024;
      this.#peak = Math.max(this.#peak, of("VmHWM"));
      return of("VmRSS");
    } catch {
      return 0;
    }
  }

  /** Looks at the memory unless that was done a moment ago: the kernel keeps the peak, and a job may be shorter than a look. */
  glance(): void {
    if (performance.now() - this.#sampledAt >= glanceMs) this.sample();
  }

  /** Largest resident size seen, bytes. */
  get peakBytes(): number {
    return this.#peak;
  }

  /** Sets the limit of its control group, where it is another one than before. */
  async setMemory(bytes: number): Promise<void> {
    if (!this.#cgroup || bytes === this.#memoryBytes) return;
    const set = await this.#cgroup.setMemory(bytes).then(
      () => true,
      () => false,
    );
    if (set) this.#memoryBytes = bytes;
  }

  /** SIGKILL to the process and everything that it may have started; the first reason stays. */
  kill(reason: SandboxReason, message: string): void {
    if (this.#killed) return;
    this.sample();
    this.#killed = { reason, message };
    if (!this.#gone) endGroup(this.#child);
    this.#child.stdin?.destroy();
    // Output that nobody will read would keep the pipe, and with it the end of the process, waiting.
    this.#child.stdout?.destroy();
    this.onKill?.();
  }

  /** Waits for the end of the process; the timer also keeps this program running meanwhile. */
  async #leave(): Promise<Exit> {
    const stayed = () => this.kill("crash", "The runner closed its output and stayed");
    const timer = setInterval(() => this.time.held || stayed(), 1000);
    try {
      return await this.#exit;
    } finally {
      clearInterval(timer);
    }
  }

  /** Waits for the end of the process and names its cause. */
  async ended(): Promise<Ended> {
    const byUs = this.#killed;
    if (!byUs) this.#child.stdin?.destroy();
    this.#child.stdout?.destroy();
    const { code, signal, starved } = await this.#leave();
    if (this.#killed) return this.#killed;
    if (starved) return { reason: "memory", message: "The kernel ended the process at its memory limit" };
    if (/out of memory|heap limit|allocation failed|OOM/i.test(this.#complaint))
      return { reason: "memory", message: "The engine ran out of memory" };
    if (signal === "SIGXCPU" || code === 128 + 24)
      return { reason: "timeout", message: "The kernel ended the process at its processor time limit" };
    const line = this.#complaint.trim().split("\n")[0]?.slice(0, 200) ?? "";
    return {
      reason: "crash",
      message: `The process ended with ${signal ?? `code ${code}`}${line && `: ${line}`}`,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill("canceled", "The pool was closed");
    await this.#leave();
    await this.#removed;
  }
}
