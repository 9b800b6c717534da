export type { Stopped } from "./src/freezer.ts";
export type { LayerSwitches, MissingLayer } from "./src/host.ts";
export type { Grade, SandboxJob, SandboxLimits, SandboxReason, SandboxResult } from "./src/job.ts";
export { createSandboxPool, type SandboxOptions, type SandboxPool } from "./src/pool.ts";
export { probe, type SandboxProbe } from "./src/probe.ts";
