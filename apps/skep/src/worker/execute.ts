import type { Clock } from "@skep/clock";
import type { Client } from "@skep/ninep";
import type { SandboxJob, SandboxLimits, SandboxPool } from "@skep/sandbox";
import { Capture } from "./capture.ts";
import type { Keeping } from "./checkpoint.ts";
import { fault, reasonOf } from "./faults.ts";
import type { Pace } from "../owner/pace.ts";
import type { Lease } from "./lease.ts";
import { Live } from "./live.ts";
import type { Modules } from "./modules.ts";
import { type Ended, type Ending, type Issuer, resultLine } from "./result.ts";
import { resolveEnv } from "./secrets.ts";
import { inputOf } from "./stdin.ts";

/** What a worker runs jobs with. */
export interface Means {
  readonly pool: SandboxPool;
  readonly modules: Modules;
  readonly issuer: Issuer;
  readonly clock: Clock;
  /** Folder of secrets. */
  readonly secrets: string;
  /** Subjects whose modules never share a process; `*` for all. */
  readonly strangers: ReadonlySet<string>;
  readonly mostStdin: number;
  /** Slows down what is fetched and stored; nothing does where left out. */
  readonly pace?: Pace;
  /** Where output goes when it is too much for memory. */
  outputPath(lease: Lease): string;
  use<T>(act: (client: Client) => Promise<T>, signal?: AbortSignal): Promise<T>;
  client(): Client | undefined;
}

/** One run of a job. */
export interface Run {
  /** Ends the module at once. */
  readonly signal: AbortSignal;
  /** The file that it keeps, where it keeps one. */
  readonly keeping?: Keeping | undefined;
}

function gradeOf({ grade, owner }: Lease, strangers: ReadonlySet<string>): "fresh" | "shared" {
  return strangers.has("*") || strangers.has(owner) ? "fresh" : grade;
}

function limitsOf({ limits }: Lease, most: SandboxLimits): SandboxLimits {
  const fuel = BigInt(limits.fuel);
  return {
    fuel: fuel < most.fuel ? fuel : most.fuel,
    memoryBytes: Math.min(limits.memoryBytes, most.memoryBytes),
    wallMs: Math.min(limits.wallMs, most.wallMs),
    stdoutBytes: Math.min(limits.stdoutBytes, most.stdoutBytes),
    stderrBytes: Math.min(limits.stderrBytes, most.stderrBytes),
  };
}

async function jobOf(
  lease: Lease,
  means: Means,
  { signal, keeping }: Run,
): Promise<Omit<SandboxJob, "onOutput">> {
  if (lease.kind !== "wasm") throw fault.unsupported(lease.kind);
  if (lease.stdin.bytes > means.mostStdin)
    throw fault.stdin(`${lease.stdin.bytes} bytes, at most ${means.mostStdin} here`);
  const use: Means["use"] = (act) => means.use(act, signal);
  const env = await resolveEnv(lease.env, means.secrets);
  return {
    module: { path: await means.modules.path(lease.what, use) },
    digest: lease.what,
    subject: lease.owner,
    grade: gradeOf(lease, means.strangers),
    args: ["module", ...lease.args],
    env,
    stdin: inputOf(lease, use, means.pace),
    limits: limitsOf(lease, means.pool.limits),
    startTimeMs: lease.start_ms,
    seed: Buffer.from(lease.job_id, "hex"),
    ...(keeping ? { checkpoint: keeping.file } : {}),
  };
}

async function runModule(
  lease: Lease,
  means: Means,
  onOutput: NonNullable<SandboxJob["onOutput"]>,
  run: Run,
) {
  const { signal } = run;
  const job = await jobOf(lease, means, run);
  const ran = await means.pool.run({ ...job, onOutput }, signal);
  if (ran.code !== "sandbox.digest") return ran;
  // The file here was damaged after it was fetched.
  await means.modules.forget(lease.what);
  return await means.pool.run({ ...(await jobOf(lease, means, run)), onOutput }, signal);
}

async function endingOf(
  lease: Lease,
  means: Means,
  onOutput: NonNullable<SandboxJob["onOutput"]>,
  run: Run,
): Promise<Ending> {
  const began = means.clock.monotonic();
  const limits = limitsOf(lease, means.pool.limits);
  const grade = gradeOf(lease, means.strangers);
  const frozen = means.pool.frozenMs;
  // Time in which the owner of the machine had it counts for nothing.
  const durationMs = () => means.clock.monotonic() - began - (means.pool.frozenMs - frozen);
  try {
    const ran = await runModule(lease, means, onOutput, run);
    const { reason, exitCode, peakRunnerBytes, layers } = ran;
    const message = ran.code === null ? ran.message : `${ran.code}: ${ran.message}`;
    return {
      reason,
      exit: exitCode,
      message: reason === "exit" ? "" : message.slice(0, 512),
      peakBytes: peakRunnerBytes,
      durationMs: durationMs(),
      layers,
      grade,
      limits,
    };
  } catch (thrown) {
    const told = run.signal.aborted ? { reason: "canceled", message: "It was canceled" } : reasonOf(thrown);
    return { ...told, exit: null, peakBytes: 0, durationMs: durationMs(), layers: [], grade, limits };
  }
}

/**
 * Runs one leased job to its end, whatever that is, and gives the line of its result. Aborting the signal ends the
 * module at once; what it had put out until then is told and signed. Rejects only when the worker stops meanwhile.
 */
export async function perform(lease: Lease, means: Means, run: Run): Promise<Ended> {
  await using capture = new Capture(means.outputPath(lease));
  // An answer that others give too is shown to nobody before all have committed.
  const shown = () => (lease.commit === true ? undefined : means.client());
  const live = new Live(lease.job, capture, shown, means.clock);
  const onOutput: NonNullable<SandboxJob["onOutput"]> = (stream, bytes) => {
    const shown = live.add(stream, bytes);
    const kept = capture.add(stream, bytes);
    if (shown && kept) return Promise.all([shown, kept]).then(() => undefined);
    return shown ?? kept;
  };
  const ending = await endingOf(lease, means, onOutput, run);
  await live.end();
  return await resultLine(lease, ending, capture, {
    issuer: means.issuer,
    use: (act) => means.use(act),
    now: () => means.clock.now(),
    ...(means.pace ? { pace: means.pace } : {}),
  });
}
