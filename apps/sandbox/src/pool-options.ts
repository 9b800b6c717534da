import type { LayerSwitches } from "./host.ts";
import type { SandboxLimits } from "./job.ts";

export const MiB = 1024 * 1024;

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
  /** Niceness of every process, 0 to 19; where left out, only those that nobody waits for yet give way. */
  readonly nice?: number;
  /** Processors that all of them may use together, a fraction too; no limit where left out. */
  readonly cpus?: number;
  /** Most bytes of a checkpoint; a job that asks for more is refused. */
  readonly checkpointBytes?: number;
  /** Layers to leave out. */
  readonly layers?: LayerSwitches;
}

/** What a job gets at most where its pool was told nothing. */
export const defaultLimits: SandboxLimits = {
  fuel: 1_000_000_000_000n,
  memoryBytes: 512 * MiB,
  wallMs: 300_000,
  stdoutBytes: 64 * MiB,
  stderrBytes: 64 * MiB,
};

function least<T extends number | bigint>(one: T, other: T): T {
  return one < other ? one : other;
}

/** What of its limits a job gets. */
export function clamp(asked: SandboxLimits, most: SandboxLimits): SandboxLimits {
  return {
    fuel: least(asked.fuel, most.fuel),
    memoryBytes: least(asked.memoryBytes, most.memoryBytes),
    wallMs: least(asked.wallMs, most.wallMs),
    stdoutBytes: least(asked.stdoutBytes, most.stdoutBytes),
    stderrBytes: least(asked.stderrBytes, most.stderrBytes),
  };
}
