import * as z from "zod";
import { frame } from "./frames.ts";
import type { RunHeader } from "./header.ts";
import type { SandboxCheckpoint, SandboxJob, SandboxLimits, SandboxReason, SandboxResult } from "./job.ts";
import { oneLine } from "./line.ts";
import type { Runner } from "./process.ts";
import { StdinPump } from "./stdin.ts";

const Outcome = z.object({
  reason: z.enum(["exit", "trap", "fuel", "memory", "depth", "output", "compile", "link"]),
  exitCode: z.int().min(0).max(0xffff_ffff).nullable(),
  message: z.string(),
  fuelUsed: z.string().regex(/^\d{1,20}$/),
});

/** How often a running process's memory is looked at, milliseconds. */
const watchMs = 20;

/** The part of a result that the run itself gives. */
export type RunResult = Pick<
  SandboxResult,
  "reason" | "exitCode" | "message" | "fuelUsed" | "stdoutBytes" | "stderrBytes" | "peakRunnerBytes"
>;

function fileOf({ directory, name, limit }: SandboxCheckpoint) {
  return { directory, name, limit };
}

function headerOf(job: SandboxJob, limits: SandboxLimits): RunHeader {
  return {
    digest: job.digest,
    args: job.args,
    env: job.env,
    fuel: String(limits.fuel),
    memoryPages: Math.floor(limits.memoryBytes / 65_536),
    stdoutLimit: limits.stdoutBytes,
    stderrLimit: limits.stderrBytes,
    startTimeMs: job.startTimeMs,
    seed: Buffer.from(job.seed).toString("hex"),
    ...(job.checkpoint ? { checkpoint: fileOf(job.checkpoint) } : {}),
  };
}

/** Input up to this size leaves with the header, bytes. */
const shortBytes = 16 * 1024;

function isShort(stdin: SandboxJob["stdin"]): stdin is Uint8Array {
  return stdin instanceof Uint8Array && stdin.length <= shortBytes;
}

/** One job in one runner: its deadline, its memory, its streams. */
class Running {
  readonly #runner: Runner;
  readonly #job: SandboxJob;
  readonly #limits: SandboxLimits;
  /** Undefined where the input is short: it goes with the header. */
  readonly #pump: StdinPump | undefined;
  readonly #bytes = { stdout: 0, stderr: 0 };
  #failure: { readonly error: unknown } | undefined;
  #giveUp: (() => void) | undefined;

  constructor(runner: Runner, job: SandboxJob, limits: SandboxLimits) {
    this.#runner = runner;
    this.#job = job;
    this.#limits = limits;
    this.#pump = isShort(job.stdin)
      ? undefined
      : new StdinPump(job.stdin, runner, (error) => this.#fail(error, "Standard input failed"));
    runner.onKill = () => this.#giveUp?.();
  }

  #fail(error: unknown, message: string): void {
    this.#failure ??= { error };
    this.#runner.kill("crash", message);
  }

  /** Hands output on; waits for the taker or for the end of the process, whichever is first. */
  async #deliver(stream: "stdout" | "stderr", bytes: Uint8Array): Promise<void> {
    const limit = stream === "stdout" ? this.#limits.stdoutBytes : this.#limits.stderrBytes;
    if (this.#runner.over) return;
    if (this.#bytes[stream] + bytes.length > limit)
      return this.#runner.kill("output", `The runner passed on more ${stream} than ${limit} bytes`);
    this.#bytes[stream] += bytes.length;
    try {
      const taken = this.#job.onOutput?.(stream, bytes);
      if (taken === undefined) return;
      await Promise.race([taken, new Promise<void>((resolve) => (this.#giveUp = resolve))]);
    } catch (error) {
      this.#fail(error, "The taker of the output failed");
    }
  }

  async #converse(): Promise<RunResult> {
    for (;;) {
      const got = await this.#runner.next();
      if (got === undefined || this.#runner.over) return await this.#broken();
      if (got.kind === frame.stdout) await this.#deliver("stdout", got.payload);
      else if (got.kind === frame.stderr) await this.#deliver("stderr", got.payload);
      else if (got.kind === frame.want) this.#pump?.credit();
      else if (got.kind === frame.checkpoint) this.#job.checkpoint?.onCommit(got.payload);
      else if (got.kind === frame.result) return this.#understand(got.payload);
      else this.#runner.kill("crash", "The runner broke its protocol: unexpected frame");
    }
  }

  #understand(payload: Buffer): RunResult | Promise<RunResult> {
    let parsed: z.infer<typeof Outcome>;
    try {
      parsed = Outcome.parse(JSON.parse(payload.toString()));
    } catch {
      this.#runner.kill("crash", "The runner broke its protocol: no outcome");
      return this.#broken();
    }
    this.#runner.glance();
    return this.#result(parsed.reason, parsed.message, parsed.exitCode, BigInt(parsed.fuelUsed));
  }

  async #broken(): Promise<RunResult> {
    const { reason, message } = await this.#runner.ended();
    return this.#result(reason, message, null, 0n);
  }

  #result(reason: SandboxReason, message: string, exitCode: number | null, fuelUsed: bigint): RunResult {
    return {
      reason,
      message: oneLine(message),
      exitCode: reason === "exit" ? exitCode : null,
      fuelUsed,
      stdoutBytes: this.#bytes.stdout,
      stderrBytes: this.#bytes.stderr,
      peakRunnerBytes: this.#runner.peakBytes,
    };
  }

  #start(): void {
    const { stdin, checkpoint } = this.#job;
    if (checkpoint?.content) this.#runner.send(frame.kept, checkpoint.content);
    const run = { kind: frame.run, payload: Buffer.from(JSON.stringify(headerOf(this.#job, this.#limits))) };
    const end = { kind: frame.end, payload: Buffer.alloc(0) };
    if (!isShort(stdin)) {
      this.#runner.send(run.kind, run.payload);
      this.#pump?.start();
    } else if (stdin.length === 0) this.#runner.sendAll([run, end]);
    else this.#runner.sendAll([run, { kind: frame.data, payload: stdin }, end]);
  }

  async go(residentBytes: number, askedMs: number): Promise<RunResult> {
    const { wallMs } = this.#limits;
    this.#runner.checkpointBytes = this.#job.checkpoint?.limit ?? -1;
    const late = () => this.#runner.kill("timeout", `It took longer than ${Math.round(askedMs)} ms`);
    const deadline = this.#runner.time.after(wallMs, late);
    const watch = setInterval(() => {
      if (this.#runner.sample() > residentBytes)
        this.#runner.kill("memory", `The process used more than ${residentBytes} bytes`);
    }, watchMs);
    try {
      this.#start();
      const result = await this.#converse();
      if (this.#failure) throw this.#failure.error;
      return result;
    } finally {
      deadline.stop();
      clearInterval(watch);
      this.#pump?.stop();
      this.#runner.onKill = undefined;
      this.#runner.checkpointBytes = -1;
    }
  }
}

/** Runs one job in a runner that already has its module; rejects only when the caller's stdin or output taker failed. */
export function runJob(
  runner: Runner,
  job: SandboxJob,
  limits: SandboxLimits,
  residentBytes: number,
  askedMs = limits.wallMs,
): Promise<RunResult> {
  return new Running(runner, job, limits).go(residentBytes, askedMs);
}
