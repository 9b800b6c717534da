import { type ChildProcess, spawn, type SpawnOptions } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism, loadavg } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Client } from "@skep/ninep";
import { delay } from "@skep/clock";
import { realClock } from "../clock.ts";
import { type JobRow, newestJobs } from "../jobs/list.ts";
import { connect, homeTarget } from "../client/connect.ts";

const main = fileURLToPath(new URL("../main.mjs", import.meta.url));
const modules = fileURLToPath(new URL("../../../../examples/modules", import.meta.url));

/** How a command ended. */
export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A line of `skep nodes --all --json`. */
export interface NodeRow {
  readonly node: string;
  readonly name: string;
  readonly state: string;
  readonly path: string;
  readonly why: string;
}

/** What `skep run --json` tells of a job. */
export interface RunRow {
  readonly job: string;
  readonly exit: number | null;
  readonly verified: boolean;
  readonly error?: unknown;
}

/** Where programs are started: a machine of a lab. */
interface Host {
  spawn(program: string, args: readonly string[], options?: SpawnOptions): ChildProcess;
}

/** A program that goes on, with what it has said so far. */
export class Running {
  readonly child: ChildProcess;
  out = "";
  err = "";
  readonly ended: Promise<number | null>;
  readonly #heard = new Set<() => void>();

  constructor(child: ChildProcess, input: string) {
    this.child = child;
    const hear = (stream: "out" | "err") => (text: string) => {
      this[stream] += text;
      for (const act of [...this.#heard]) act();
    };
    child.stdout?.setEncoding("utf8").on("data", hear("out"));
    child.stderr?.setEncoding("utf8").on("data", hear("err"));
    this.ended = once(child, "close").then(([code]) => {
      for (const act of [...this.#heard]) act();
      return code as number | null;
    });
    child.stdin?.on("error", () => undefined).end(input);
  }

  get over(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** Resolves when it has said something; rejects when it ends before, or after so many milliseconds. */
  async says(what: RegExp, ms = 30_000): Promise<RegExpExecArray> {
    const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
    const look = () => {
      const found = what.exec(this.out) ?? what.exec(this.err);
      if (found) resolve(found);
      else if (this.over) reject(new Error(`it ended without ${what}: ${this.out}${this.err}`));
    };
    const most = ms * patience();
    const late = setTimeout(
      () => reject(new Error(`no ${what} in ${most} ms: ${this.out}${this.err}`)),
      most,
    );
    this.#heard.add(look);
    look();
    return await promise.finally(() => {
      clearTimeout(late);
      this.#heard.delete(look);
    });
  }

  async end(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    if (!this.over) this.child.kill(signal);
    return await this.ended;
  }
}

/** A machine with the shipped programs: this one, or one of a lab. */
export class Machine implements AsyncDisposable {
  readonly dir: string;
  readonly #host: Host | undefined;
  readonly #running = new Set<Running>();
  /** All that was ever started here. */
  readonly said: Running[] = [];
  #client: Promise<Client> | undefined;

  constructor(dir: string, host?: Host) {
    this.dir = dir;
    this.#host = host;
    mkdirSync(dir, { recursive: true, mode: 0o700 });
  }

  get home(): string {
    return join(this.dir, "hive");
  }

  get worker(): string {
    return join(this.dir, "worker");
  }

  /** Writes the configuration of this machine's hive or worker. */
  configure(of: "hive" | "worker", toml: string): void {
    const folder = of === "hive" ? this.home : this.worker;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(join(folder, "skep.toml"), toml, { mode: 0o600 });
  }

  start(args: readonly string[], input = "", env: Readonly<Record<string, string>> = {}): Running {
    const words = ["--disable-warning=ExperimentalWarning", main, ...args];
    const own = { PATH: process.env.PATH ?? "", HOME: this.dir, SKEP_DISK_RESERVE: "0", NO_COLOR: "1" };
    const options: SpawnOptions = { env: { ...own, ...env }, stdio: ["pipe", "pipe", "pipe"] };
    const child = this.#host
      ? this.#host.spawn(process.execPath, words, options)
      : spawn(process.execPath, words, options);
    const running = new Running(child, input);
    this.#running.add(running);
    this.said.push(running);
    void running.ended.then(() => this.#running.delete(running));
    return running;
  }

  async run(args: readonly string[], input = ""): Promise<Ran> {
    const running = this.start(args, input);
    const code = await running.ended;
    return { code, out: running.out, err: running.err };
  }

  /** Starts a hive of its own, without workers, and waits until it is ready. */
  async up(...flags: readonly string[]): Promise<Running> {
    const edges = ["--http", "off", "--9p", "off", "--workers", "0"];
    const hive = this.start(["up", "--home", this.home, ...edges, ...flags, "--json"]);
    await hive.says(/^\{.*\}\n/);
    return hive;
  }

  /** A command at this machine's hive; throws with what it said when it fails. */
  async ask(...args: readonly string[]): Promise<string> {
    const { code, out, err } = await this.run(["--home", this.home, ...args]);
    if (code !== 0) throw new Error(`skep ${args.join(" ")} ended with ${code}: ${out}${err}`);
    return out;
  }

  async invitation(...flags: readonly string[]): Promise<string> {
    return JSON.parse(await this.ask("invite", "--json", ...flags)).invitation as string;
  }

  /** A file of this machine's hive, read as its owner over its socket. */
  async read(path: string): Promise<string> {
    return await this.use(async (client) => (await client.readAll(path)).toString());
  }

  /** Acts as the owner of this machine's hive, over its socket. */
  async use<T>(act: (client: Client) => Promise<T>): Promise<T> {
    this.#client ??= connect(homeTarget(this.home));
    try {
      return await act(await this.#client);
    } catch (thrown) {
      // The hive may have been started again.
      this.#client = undefined;
      throw thrown;
    }
  }

  /** What `skep jobs` prints. */
  async jobs(): Promise<readonly JobRow[]> {
    return await this.use(
      async (client) => (await newestJobs(client, 100, new AbortController().signal)).rows,
    );
  }

  /** What `skep nodes --all --json` prints, without a process for each look. */
  async nodes(): Promise<readonly NodeRow[]> {
    return JSON.parse(await this.read("/net/nodes.json")) as NodeRow[];
  }

  /** Starts a job; its line comes when it has ended. */
  job(module = "mandelbrot", ...args: readonly string[]): Running {
    const path = join(modules, `${module}.wasm`);
    return this.start(["--home", this.home, "run", "--json", path, ...args]);
  }

  /** Joins with an invitation and works. */
  join(line: string, name: string, ...flags: readonly string[]): Running {
    const how = ["--worker-home", this.worker, "--name", name, "--isolation", "off", ...flags];
    return this.start(["join", ...how], `${line}\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#client?.catch(() => undefined))?.close();
    await Promise.all([...this.#running].map((running) => running.end("SIGKILL")));
  }
}

/** Looks again and again until there is what is wanted. */
export async function until<T>(
  look: () => Promise<T | undefined>,
  what: () => string,
  ms = 30_000,
): Promise<T> {
  for (const end = performance.now() + ms * patience(); performance.now() < end; await delay(realClock, 50)) {
    const found = await look().catch(() => undefined);
    if (found !== undefined) return found;
  }
  throw new Error(what());
}

/** How much longer than on a machine of its own something may take here now. */
export function patience(): number {
  return Math.max(1, (loadavg()[0] ?? 0) / availableParallelism());
}

/** The line of a job that has ended. */
export async function endOf(job: Running): Promise<RunRow> {
  await job.ended;
  try {
    return JSON.parse(job.out) as RunRow;
  } catch {
    throw new Error(`the job told no line: ${job.out}${job.err}`);
  }
}
