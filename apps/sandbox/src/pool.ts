import { defaultBounds } from "@skep/wasm";
import { Checker, type Checked } from "./checker.ts";
import { frame } from "./frames.ts";
import { findHost, type Host, type LayerSwitches, type MissingLayer } from "./host.ts";
import type { SandboxJob, SandboxLimits, SandboxResult } from "./job.ts";
import { engineFlags, Runner, type RunnerShape } from "./process.ts";
import { type RunResult, runJob } from "./run.ts";
import { Shared } from "./shared.ts";
import { runnerSources, type Sources } from "./sources.ts";
import { Turns } from "./turns.ts";

const MiB = 1024 * 1024;
/** The replacement of a process starts so long after it was taken, so that it is out of the way of a short job. */
const refillMs = 30;
/** Heap of a process that runs modules, beside their memory. */
const heapMiB = 64;

/** Settings of a pool; every one has a default. */
export interface SandboxOptions {
  /** Processes kept ready. */
  readonly warm?: number;
  /** Jobs at once. */
  readonly concurrency?: number;
  /** No job gets more than these, whatever it asks. */
  readonly limits?: Partial<SandboxLimits>;
  /** Bytes that a runner's process may use beside the module's memory. */
  readonly overheadBytes?: number;
  /** Jobs of one shared process. */
  readonly sharedJobs?: number;
  /** Milliseconds for checking one module. */
  readonly checkMs?: number;
  /** Bytes of checked modules kept in memory. */
  readonly cacheBytes?: number;
  /** Layers to leave out. */
  readonly layers?: LayerSwitches;
}

const defaultLimits: SandboxLimits = {
  fuel: 1_000_000_000_000n,
  memoryBytes: 512 * MiB,
  wallMs: 300_000,
  stdoutBytes: 64 * MiB,
  stderrBytes: 64 * MiB,
};

function least<T extends number | bigint>(one: T, other: T): T {
  return one < other ? one : other;
}

function clamp(asked: SandboxLimits, most: SandboxLimits): SandboxLimits {
  return {
    fuel: least(asked.fuel, most.fuel),
    memoryBytes: least(asked.memoryBytes, most.memoryBytes),
    wallMs: least(asked.wallMs, most.wallMs),
    stdoutBytes: least(asked.stdoutBytes, most.stdoutBytes),
    stderrBytes: least(asked.stderrBytes, most.stderrBytes),
  };
}

const nothing: RunResult = {
  reason: "canceled",
  exitCode: null,
  message: "It was canceled before it started",
  fuelUsed: 0n,
  stdoutBytes: 0,
  stderrBytes: 0,
  peakRunnerBytes: 0,
};

/** Rejects never: fulfils with undefined when the signal aborts first. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T | undefined> {
  if (!signal) return await work;
  if (signal.aborted) {
    work.catch(() => {});
    return undefined;
  }
  let stop = () => {};
  const aborted = new Promise<undefined>((resolve) => {
    stop = () => resolve(undefined);
  });
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** A process that is ready, or will be. */
interface Warm {
  readonly ready: Promise<Runner | undefined>;
  /** Somebody waits for it. */
  readonly hurry: () => void;
}

/** Processes in which modules are checked, compiled and run, kept ready. */
export class SandboxPool implements AsyncDisposable {
  readonly #host: Host;
  readonly #sources: Sources;
  readonly #most: SandboxLimits;
  readonly #options: SandboxOptions;
  readonly #warm: Warm[] = [];
  readonly #busy = new Set<Runner>();
  readonly #endings = new Set<Promise<void>>();
  readonly #turns: Turns;
  readonly #checker: Checker;
  readonly #shared: Shared;
  #refilling: NodeJS.Timeout | undefined;
  #closed = false;

  /** Use `createSandboxPool`. */
  constructor(host: Host, sources: Sources, options: SandboxOptions) {
    this.#host = host;
    this.#sources = sources;
    this.#options = options;
    this.#most = { ...defaultLimits, ...options.limits };
    this.#turns = new Turns(options.concurrency ?? 2);
    this.#shared = new Shared({
      jobs: options.sharedJobs ?? 1000,
      usedMs: this.#cpuSeconds * 250,
      fresh: () => this.#fresh(),
      drop: (runner) => this.#end(runner),
    });
    this.#checker = new Checker({
      start: () =>
        this.#start({ memoryBytes: 0, overheadBytes: 512 * MiB, heapMiB: 256 }, (runner) => runner.hurry()),
      moduleBytes: defaultBounds.moduleBytes,
      cacheBytes: options.cacheBytes ?? 64 * MiB,
      checkMs: options.checkMs ?? 10_000,
    });
    this.#refill();
  }

  /** Names of the layers around every process of this pool. */
  get layers(): readonly string[] {
    return this.#host.layers;
  }

  /** Layers that this host does not give, each with reason and cure. */
  get missing(): readonly MissingLayer[] {
    return this.#host.missing;
  }

  /** The most that a job gets. */
  get limits(): SandboxLimits {
    return this.#most;
  }

  get #overhead(): number {
    return this.#options.overheadBytes ?? 160 * MiB;
  }

  get #cpuSeconds(): number {
    return Math.ceil(this.#most.wallMs / 1000) * 4 + 60;
  }

  #start(
    shape: Pick<RunnerShape, "memoryBytes" | "overheadBytes" | "heapMiB">,
    begun?: (runner: Runner) => void,
  ): Promise<Runner> {
    const checks = shape.memoryBytes === 0;
    const admittedBytes = checks ? 4 * defaultBounds.moduleBytes : 0;
    const cpuSeconds = checks ? 86_400 : this.#cpuSeconds;
    const sources = checks ? this.#sources.admitter : this.#sources.runner;
    return Runner.start(this.#host, { ...shape, cpuSeconds, admittedBytes }, sources, begun);
  }

  #make(): Warm {
    const { memoryBytes } = this.#most;
    const found: { runner?: Runner; hurried: boolean } = { hurried: false };
    const made = this.#start({ memoryBytes, overheadBytes: this.#overhead, heapMiB }, (runner) => {
      found.runner = runner;
      if (found.hurried) runner.hurry();
    });
    const hurry = () => {
      found.hurried = true;
      found.runner?.hurry();
    };
    return { ready: made.catch(() => undefined), hurry };
  }

  #refill(): void {
    while (!this.#closed && this.#warm.length < (this.#options.warm ?? 2)) this.#warm.push(this.#make());
  }

  /** At once where the next job would find none, else in a moment. */
  #refillSoon(): void {
    if (this.#warm.length === 0) this.#refill();
    else
      this.#refilling ??= setTimeout(() => {
        this.#refilling = undefined;
        this.#refill();
      }, refillMs).unref();
  }

  /** A process that has run nothing yet. */
  async #fresh(): Promise<Runner> {
    const { memoryBytes } = this.#most;
    const taken = this.#warm.shift();
    this.#refillSoon();
    taken?.hurry();
    const ready = await taken?.ready;
    if (ready && !ready.over) return ready;
    if (ready) this.#end(ready);
    const shape = { memoryBytes, overheadBytes: this.#overhead, heapMiB };
    return await this.#start(shape, (runner) => runner.hurry());
  }

  #end(runner: Runner): void {
    const ending = runner[Symbol.asyncDispose]().finally(() => this.#endings.delete(ending));
    this.#endings.add(ending);
  }

  /** Waits until the processes that are kept ready are ready. */
  async ready(): Promise<void> {
    await Promise.all([this.#checker.warm(), ...this.#warm.map(({ ready }) => ready)]);
  }

  /**
   * Runs one job to its end, whatever that is. Aborting the signal kills its process and gives `canceled`. Rejects only
   * when no process can be started, or with what the job's own stdin or output taker threw.
   */
  async run(job: SandboxJob, signal?: AbortSignal): Promise<SandboxResult> {
    const asked = performance.now();
    await using turn = await this.#turns.take(signal);
    const began = performance.now();
    if (!turn.granted || this.#closed) return this.#result(job, nothing, null, asked, began, began);
    const checked = await unlessAborted(this.#checker.check(job), signal);
    const handed = performance.now();
    if (!checked) return this.#result(job, nothing, null, asked, began, handed);
    if (!("module" in checked))
      return this.#result(job, { ...nothing, ...checked }, checked.code, asked, began, handed);
    const ran = await this.#runIn(job, checked, signal, handed - began);
    return this.#result(job, ran, null, asked, began, handed);
  }

  async #runIn(
    job: SandboxJob,
    checked: Extract<Checked, { module: Uint8Array }>,
    signal: AbortSignal | undefined,
    spentMs: number,
  ): Promise<RunResult> {
    const runner = job.grade === "shared" ? await this.#shared.take(job.subject) : await this.#fresh();
    this.#busy.add(runner);
    const cancel = () => runner.kill("canceled", "It was canceled");
    signal?.addEventListener("abort", cancel, { once: true });
    if (signal?.aborted || this.#closed) cancel();
    const limits = clamp(job.limits, this.#most);
    const started = performance.now();
    let ran: RunResult | undefined;
    try {
      const residentBytes = this.#overhead + limits.memoryBytes;
      await runner.setMemory(residentBytes);
      if (!runner.sent.has(job.digest))
        runner.send(frame.module, Buffer.concat([Buffer.from(job.digest, "hex"), checked.module]));
      runner.sent.add(job.digest);
      const wallMs = Math.max(1, limits.wallMs - spentMs);
      ran = await runJob(runner, job, { ...limits, wallMs }, residentBytes, limits.wallMs);
      return ran;
    } finally {
      signal?.removeEventListener("abort", cancel);
      this.#busy.delete(runner);
      runner.usedMs += performance.now() - started;
      if (job.grade === "shared") this.#shared.give(runner, ran?.reason === "exit");
      else this.#end(runner);
    }
  }

  #result(
    job: SandboxJob,
    ran: RunResult,
    code: string | null,
    asked: number,
    began: number,
    handed: number,
  ): SandboxResult {
    return {
      reason: ran.reason,
      exitCode: ran.exitCode,
      message: ran.message,
      code,
      fuelUsed: ran.fuelUsed,
      stdoutBytes: ran.stdoutBytes,
      stderrBytes: ran.stderrBytes,
      grade: job.grade,
      layers: this.#host.layers,
      peakRunnerBytes: ran.peakRunnerBytes,
      durations: { queueMs: began - asked, admitMs: handed - began, runMs: performance.now() - handed },
    };
  }

  /** Ends every process; running jobs end as `canceled`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#refilling);
    this.#turns.close();
    for (const runner of this.#busy) runner.kill("canceled", "The pool was closed");
    this.#shared.close();
    const warm = await Promise.all(this.#warm.splice(0).map(({ ready }) => ready));
    for (const runner of warm) if (runner) this.#end(runner);
    await this.#checker[Symbol.asyncDispose]();
    while (this.#endings.size > 0) await Promise.all(this.#endings);
  }
}

/** Finds out what this host gives and starts the processes that are kept ready; throws where none can be started. */
export async function createSandboxPool(options: SandboxOptions = {}): Promise<SandboxPool> {
  const memoryBytes = options.limits?.memoryBytes ?? defaultLimits.memoryBytes;
  const engine = engineFlags({ memoryBytes, heapMiB });
  const [host, sources] = await Promise.all([findHost(options.layers), runnerSources(engine)]);
  return new SandboxPool(host, sources, options);
}
