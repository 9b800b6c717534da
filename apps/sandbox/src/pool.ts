import { defaultBounds } from "@skep/wasm";
import { Checker, type Checked } from "./checker.ts";
import { frame } from "./frames.ts";
import { findHost, type Host, type MissingLayer } from "./host.ts";
import type { SandboxJob, SandboxLimits, SandboxResult } from "./job.ts";
import { type Common, Freezer, type Stopped } from "./freezer.ts";
import { makePoolGroup, type PoolGroup } from "./pool-group.ts";
import { clamp, defaultLimits, MiB, type SandboxOptions } from "./pool-options.ts";
import { engineFlags, Runner, type RunnerShape } from "./process.ts";
import { type RunResult, runJob } from "./run.ts";
import { Shared } from "./shared.ts";
import { runnerSources, type Sources } from "./sources.ts";
import { Turns } from "./turns.ts";
import { unlessAborted } from "./unless.ts";

/** The replacement of a process starts so long after it was taken, so that it is out of the way of a short job. */
const refillMs = 30;
/** Heap of a process that runs modules, beside their memory. */
const heapMiB = 64;

const nothing: RunResult = {
  reason: "canceled",
  exitCode: null,
  message: "It was canceled before it started",
  fuelUsed: 0n,
  stdoutBytes: 0,
  stderrBytes: 0,
  peakRunnerBytes: 0,
};

const tooLarge: RunResult = {
  ...nothing,
  reason: "refused",
  message: "Cannot run job: its checkpoint may be larger than this pool allows",
};

/** Bytes that a checkpoint takes at most beside the module: what was shown, two files, and one that grows. */
function keptFourfold({ checkpoint }: SandboxJob): number {
  return 4 * (checkpoint?.limit ?? 0);
}

/** A process that is ready, or will be. */
interface Warm {
  readonly ready: Promise<Runner | undefined>;
  /** Somebody waits for it. */
  readonly hurry: () => void;
  /** Nobody will want it; ends it even before it is ready. */
  readonly drop: () => void;
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
  readonly #group: PoolGroup;
  readonly #freezer: Freezer;
  readonly #common: Common;
  #refilling: NodeJS.Timeout | undefined;
  /** Jobs whose module is being checked. */
  #checking = 0;
  #closed = false;

  /** Use `createSandboxPool`. */
  constructor(host: Host, sources: Sources, group: PoolGroup, options: SandboxOptions) {
    this.#host = host;
    this.#group = group;
    this.#freezer = new Freezer(group.freezer, options.nice);
    const { nice, cpus, concurrency = 2 } = options;
    const each = cpus === undefined ? undefined : cpus / concurrency;
    this.#common = { freezer: this.#freezer, procs: group.procs, nice, cpus: each };
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
      start: (begun) =>
        this.#start({ memoryBytes: 0, overheadBytes: 512 * MiB, heapMiB: 256 }, (runner) => {
          runner.hurry();
          begun(runner);
        }),
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

  /** Most bytes of a checkpoint. */
  get checkpointBytes(): number {
    return this.#options.checkpointBytes ?? 16 * MiB;
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
    return Runner.start(this.#host, { ...shape, cpuSeconds, admittedBytes }, sources, this.#common, begun);
  }

  #make(): Warm {
    const { memoryBytes } = this.#most;
    const found: { runner?: Runner; hurried: boolean; dropped: boolean } = { hurried: false, dropped: false };
    const made = this.#start({ memoryBytes, overheadBytes: this.#overhead, heapMiB }, (runner) => {
      found.runner = runner;
      if (found.hurried) runner.hurry();
      if (found.dropped) this.#end(runner);
    });
    const hurry = () => {
      found.hurried = true;
      found.runner?.hurry();
    };
    const drop = () => {
      found.dropped = true;
      if (found.runner) this.#end(found.runner);
    };
    return { ready: made.catch(() => undefined), hurry, drop };
  }

  #refill(): void {
    if (this.#freezer.held) return;
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
    await this.#freezer.running;
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
    const asked = this.#freezer.now();
    await using turn = await this.#turns.take(signal);
    if (this.#freezer.held) await unlessAborted(this.#freezer.running, signal);
    const began = this.#freezer.now();
    if (!turn.granted || signal?.aborted || this.#closed)
      return this.#result(job, nothing, null, asked, began, began);
    this.#checking += 1;
    if (job.checkpoint && job.checkpoint.limit > this.checkpointBytes)
      return this.#result(job, tooLarge, "sandbox.checkpoint", asked, began, began);
    const checked = await unlessAborted(this.#checker.check(job), signal).finally(() => {
      this.#checking -= 1;
    });
    const handed = this.#freezer.now();
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
    const started = this.#freezer.now();
    let ran: RunResult | undefined;
    try {
      const residentBytes = this.#overhead + limits.memoryBytes + keptFourfold(job);
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
      runner.usedMs += this.#freezer.now() - started;
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
      durations: { queueMs: began - asked, admitMs: handed - began, runMs: this.#freezer.now() - handed },
    };
  }

  /**
   * Stops every process before it returns, and the time of every job: no limit counts until `thaw`. Nothing new starts
   * meanwhile. The promise tells when the kernel showed that nothing runs any more.
   */
  freeze(): Promise<Stopped> {
    return this.#freezer.freeze();
  }

  /** Lets everything go on. */
  thaw(): void {
    this.#freezer.thaw();
    this.#refill();
  }

  /** Whether it is frozen. */
  get frozen(): boolean {
    return this.#freezer.held;
  }

  /** Milliseconds in which it was frozen, all together. */
  get frozenMs(): number {
    return this.#freezer.spentMs;
  }

  /** Why no control group limits the processor time; null where one does, or nothing was asked for. */
  get noCpuLimit(): string | null {
    return this.#group.noCpu;
  }

  /** While frozen: ends the processes that run no job, and asks the kernel to write out the memory of the others. */
  rest(): void {
    if (!this.#freezer.held) return;
    for (const { drop } of this.#warm.splice(0)) drop();
    this.#shared.rest();
    this.#checker.rest(this.#checking > 0);
    for (const runner of this.#busy) runner.squeeze();
    // What was killed ends, in some freezers, only when they let go; nothing else may be in it then.
    if (this.#busy.size === 0 && this.#checking === 0) this.#freezer.let();
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
    this.#freezer.thaw();
    while (this.#endings.size > 0) await Promise.all(this.#endings);
    await this.#group.remove();
  }
}

const bare: PoolGroup = { procs: [], freezer: null, noCpu: "switched off", remove: async () => {} };

/** Finds out what this host gives and starts the processes that are kept ready; throws where none can be started. */
export async function createSandboxPool(options: SandboxOptions = {}): Promise<SandboxPool> {
  const memoryBytes = options.limits?.memoryBytes ?? defaultLimits.memoryBytes;
  const engine = engineFlags({ memoryBytes, heapMiB });
  const [host, sources, group] = await Promise.all([
    findHost(options.layers),
    runnerSources(engine),
    options.layers?.cgroup === false ? bare : makePoolGroup(options.cpus),
  ]);
  return new SandboxPool(host, sources, group, options);
}
