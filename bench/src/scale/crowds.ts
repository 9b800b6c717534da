import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type CrowdReport, type Given, percentileOf } from "@skep/testing";
import { type HiveProcess, profiling } from "../hive.ts";
import { spentBy } from "../process.ts";

const program = fileURLToPath(new URL("../../../testing/scale/run.ts", import.meta.url));
/** Workers of one process, so that the clients measure the daemon and not themselves. */
const perProcess = 10_000;

/** A process full of workers; each order is answered by one line. */
class CrowdProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #answers: ((line: string) => void)[] = [];

  constructor() {
    this.#child = spawn(process.execPath, [...profiling(), ...process.execArgv, program], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    if (!this.#child.stdout) throw new Error("a crowd without stdout");
    createInterface({ input: this.#child.stdout }).on("line", (line) => this.#answers.shift()?.(line));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  order(order: object): Promise<string> {
    this.#child.stdin?.write(`${JSON.stringify(order)}\n`);
    return new Promise((resolve) => this.#answers.push(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    // It goes with its orders, and leaves its profile where one was asked for.
    this.#child.stdin?.end();
    const late = setTimeout(() => this.#child.kill("SIGKILL"), 5000);
    await ended;
    clearTimeout(late);
  }
}

/** What all crowds saw together. */
export interface Seen {
  readonly present: number;
  readonly told: number;
  readonly errors: number;
  readonly retries: number;
  readonly firstError: string;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

async function ticketsFor(hive: HiveProcess, from: number, count: number): Promise<Given[]> {
  const given: Given[] = [];
  for (let at = from; at < from + count; at += 1) {
    const id = `w-scale${String(at).padStart(5, "0")}`;
    const rights = [{ path: `/worker/${id}`, verb: "rw" as const }];
    given.push({ id, ticket: await hive.ticket(id, "worker", rights) });
  }
  return given;
}

/** Workers over TCP in processes of their own, as many as are asked for; more can be added. */
export class Crowds implements AsyncDisposable {
  readonly #processes: CrowdProcess[] = [];
  #count = 0;

  get count(): number {
    return this.#count;
  }

  get pids(): readonly number[] {
    return this.#processes.map(({ pid }) => pid);
  }

  /** Processor milliseconds that the clients spent so far. */
  get spent(): number {
    return this.pids.reduce((sum, pid) => sum + spentBy(pid).all, 0);
  }

  /** Attaches further workers; resolves with the milliseconds that took, their tickets not counted. */
  async add(hive: HiveProcess, count: number): Promise<number> {
    const starts: { process: CrowdProcess; given: Given[] }[] = [];
    for (let left = count; left > 0; left -= perProcess) {
      const given = await ticketsFor(hive, this.#count, Math.min(left, perProcess));
      const process = new CrowdProcess();
      this.#processes.push(process);
      this.#count += given.length;
      starts.push({ process, given });
    }
    await Promise.all(starts.map(({ process }) => process.order({ op: "report" })));
    const began = performance.now();
    const at = hive.ready["9p"];
    await Promise.all(starts.map(({ process, given }) => process.order({ op: "start", at, given })));
    return performance.now() - began;
  }

  async #all(op: string): Promise<readonly string[]> {
    return await Promise.all(this.#processes.map((process) => process.order({ op })));
  }

  async talk(): Promise<void> {
    await this.#all("talk");
  }

  async quiet(): Promise<void> {
    await this.#all("quiet");
  }

  /** To be called before the daemon goes: resolves when all are attached to the next one. */
  back(): Promise<unknown> {
    return this.#all("scattered");
  }

  /** What was seen since the last report. */
  async report(): Promise<Seen> {
    const reports = (await this.#all("report")).map((line) => JSON.parse(line) as CrowdReport);
    const sum = (of: (report: CrowdReport) => number) => reports.reduce((all, one) => all + of(one), 0);
    const buckets = reports.flatMap((report) => report.buckets);
    return {
      present: sum(({ present }) => present),
      told: sum(({ told }) => told),
      errors: sum(({ errors }) => errors),
      retries: sum(({ retries }) => retries),
      firstError: reports.find(({ firstError }) => firstError !== "")?.firstError ?? "",
      p50: percentileOf(buckets, 50),
      p99: percentileOf(buckets, 99),
      max: Math.max(...reports.map(({ max }) => max)),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#processes.map((process) => process[Symbol.asyncDispose]()));
  }
}
