export { type Admitted, type AdmitReport, admit } from "./admit.ts";
export { type AdmitBounds, defaultBounds } from "./bounds.ts";
export { compile, execute } from "./execute.ts";
/** What goes into a run and what comes out. */
export type { CheckpointFile, EndReason, ExecOutcome, JobInput, StdinSource } from "./job.ts";
export { meter } from "./note.ts";
export { frameLimit } from "./tally.ts";
