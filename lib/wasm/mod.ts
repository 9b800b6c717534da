export { type Admitted, type AdmitReport, admit } from "./admit.ts";
export { type AdmitBounds, defaultBounds } from "./bounds.ts";
export { execute } from "./execute.ts";
export type { EndReason, ExecOutcome, JobInput, StdinSource } from "./job.ts";
