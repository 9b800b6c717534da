export type { Stopped } from "./src/freezer.ts";
export type { LayerSwitches, MissingLayer } from "./src/host.ts";
export type {
  Grade,
  SandboxCheckpoint,
  SandboxJob,
  SandboxLimits,
  SandboxReason,
  SandboxResult,
} from "./src/job.ts";
export { createSandboxPool, type SandboxPool } from "./src/pool.ts";
export type { SandboxOptions } from "./src/pool-options.ts";
export { probe, type SandboxProbe } from "./src/probe.ts";
