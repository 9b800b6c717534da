import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** Milliseconds of processor time since some moment: of all threads, and of the first alone. */
export interface Spent {
  readonly all: number;
  readonly first: number;
}

function nanoseconds(path: string): number {
  try {
    return Number(readFileSync(path, "utf8").split(" ")[0]);
  } catch {
    return 0;
  }
}

/** Processor time of a process so far; a thread that has ended is not counted. */
export function spentBy(pid: number): Spent {
  let all = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`))
    all += nanoseconds(`/proc/${pid}/task/${thread}/schedstat`);
  return { all: all / 1e6, first: nanoseconds(`/proc/${pid}/task/${pid}/schedstat`) / 1e6 };
}

/** Processor time of all children that have ended, in milliseconds; the kernel counts it in hundredths of a second. */
export function childrenSpent(): number {
  const stat = readFileSync("/proc/self/stat", "utf8");
  // Behind the name, which may hold anything: cutime and cstime are the 16th and 17th of the whole line.
  const [user, system] = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .slice(13, 15);
  return (Number(user) + Number(system)) * 10;
}

/** Resident memory of a process in megabytes (10^6 bytes). */
export function residentOf(pid: number): number {
  const found = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return (Number(found?.[1] ?? Number.NaN) * 1024) / 1e6;
}

/** Processes that a process started and that are still there. */
export function childrenOf(pid: number): number[] {
  const found: number[] = [];
  for (const thread of readdirSync(`/proc/${pid}/task`))
    for (const child of readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").split(" "))
      if (child.trim() !== "") found.push(Number(child));
  return found;
}

/** The words of a process's command line. */
export function wordsOf(pid: number): string[] {
  return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
}

/** A child process; it ends when it is disposed of, at the latest after five seconds. */
export class Child implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #ended: Promise<number | null>;
  #told = "";

  constructor(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const all = { ...process.env, ...env };
    this.#process = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], env: all });
    this.#process.stderr?.on("data", (data: Buffer) => {
      this.#told = (this.#told + data.toString()).slice(-4000);
    });
    this.#ended = new Promise((resolve, reject) => {
      this.#process.once("exit", resolve);
      this.#process.once("error", reject);
    });
    this.#ended.catch(() => undefined);
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** The last that it wrote to stderr. */
  get told(): string {
    return this.#told;
  }

  /** Its first line on stdout; rejects when it ends before. */
  async firstLine(): Promise<string> {
    let text = "";
    const line = new Promise<string>((resolve) => {
      this.#process.stdout?.on("data", (data: Buffer) => {
        if (text.includes("\n")) return;
        text += data.toString();
        if (text.includes("\n")) resolve(text.slice(0, text.indexOf("\n")));
      });
    });
    const early = this.#ended.then((code) => {
      throw new Error(`it ended with ${code} before it was ready: ${this.#told}`);
    });
    return Promise.race([line, early]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) this.#process.kill("SIGTERM");
    const late = setTimeout(() => this.#process.kill("SIGKILL"), 5000);
    await this.#ended.catch(() => undefined);
    clearTimeout(late);
  }
}
