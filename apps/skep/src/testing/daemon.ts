import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Client } from "@skep/ninep";
import { connect, homeTarget } from "../client/connect.ts";

const main = fileURLToPath(new URL("../main.mjs", import.meta.url));

/** How a process ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What it had written on stderr. */
  readonly err: string;
  /** The fault that it told on stdout, where it refused to start. */
  readonly refusal: Refusal | undefined;
}

/** A fault as `--json` tells it. */
export interface Refusal {
  readonly kind: string;
  readonly code: string;
  readonly message: string;
  readonly cure?: string;
}

/** A daemon in a process of its own. */
export interface Daemon extends AsyncDisposable {
  readonly home: string;
  readonly pid: number;
  /** The line that it printed when it was ready. */
  readonly ready: Readonly<Record<string, unknown>>;
  /** Milliseconds from spawn to that line. */
  readonly took: number;
  readonly ended: Promise<Ended>;
  err(): string;
  connect(): Promise<Client>;
  /** Sends a signal and waits for the end. */
  kill(signal: NodeJS.Signals): Promise<Ended>;
}

/** What a daemon is started with. */
export interface DaemonOptions {
  readonly args?: readonly string[];
  /** A program and its arguments that the daemon runs under, such as strace. */
  readonly under?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Hears the process as soon as it is there. */
  readonly spawned?: (child: ChildProcess) => void;
}

interface Started {
  readonly child: ChildProcess;
  readonly at: number;
  readonly ended: Promise<Ended>;
  readonly line: Promise<string | undefined>;
  err(): string;
}

/** Daemons that run; none may outlive the tests that started it, also where a test failed in their midst. */
const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

function endWithMe(child: ChildProcess): void {
  running.add(child);
  child.once("close", () => running.delete(child));
}

function launch(home: string, { args = [], under = [], env, spawned }: DaemonOptions): Started {
  const edges = ["--http", "off", "--9p", "off", "--workers", "0", "--json"];
  const words = [...under, process.execPath, "--disable-warning=ExperimentalWarning", main, "up"];
  const [program = "", ...rest] = [...words, "--home", home, ...edges, ...args];
  const at = performance.now();
  const child = spawn(program, rest, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, SKEP_DISK_RESERVE: "0", NO_COLOR: "1", ...env },
  });
  endWithMe(child);
  spawned?.(child);
  let out = "";
  let err = "";
  const line = Promise.withResolvers<string | undefined>();
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    out += text;
    const end = out.indexOf("\n");
    if (end >= 0) line.resolve(out.slice(0, end));
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      line.resolve(undefined);
      resolve({ code, signal, err, refusal: refusalOf(out) });
    });
  });
  return { child, at, ended, line: line.promise, err: () => err };
}

function refusalOf(out: string): Refusal | undefined {
  return out.startsWith('{"error":') ? (JSON.parse(out) as { error: Refusal }).error : undefined;
}

/** Starts `skep up` on a home; gives how it ended when it did before it was ready. */
export async function tryDaemon(home: string, options: DaemonOptions = {}): Promise<Daemon | Ended> {
  const { child, at, ended, line, err } = launch(home, options);
  const text = await line;
  if (text === undefined || refusalOf(text)) return ended;
  const took = performance.now() - at;
  const ready = JSON.parse(text) as Record<string, unknown>;
  const kill = async (signal: NodeJS.Signals): Promise<Ended> => {
    child.kill(signal);
    return ended;
  };
  return {
    home,
    pid: Number(ready.pid),
    ready,
    took,
    ended,
    err,
    connect: () => connect(homeTarget(home)),
    kill,
    [Symbol.asyncDispose]: async () => void (await kill("SIGKILL")),
  };
}

/** Starts `skep up` on a home. Throws with what it said when it ended instead. */
export async function startDaemon(home: string, options: DaemonOptions = {}): Promise<Daemon> {
  const started = await tryDaemon(home, options);
  if ("ready" in started) return started;
  throw new Error(
    `The daemon ended with ${started.signal ?? started.code}: ${started.err}${started.refusal?.message ?? ""}`,
  );
}

/** Starts `skep up` where it must refuse, and gives how it ended. */
export async function refusedDaemon(home: string, options: DaemonOptions = {}): Promise<Ended> {
  const started = await tryDaemon(home, options);
  if (!("ready" in started)) return started;
  await started.kill("SIGKILL");
  throw new Error("The daemon started, and was to refuse");
}
