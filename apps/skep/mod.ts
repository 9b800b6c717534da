export { heldContent } from "./src/jobs/blob.ts";
export { type ArraySubmission, submitArray } from "./src/jobs/array-submit.ts";
export { type Outcome, outcomeOf, type Waiting } from "./src/jobs/outcome.ts";
export { type Submission, type Submitted, submit } from "./src/jobs/submit.ts";
/** What a job is besides its module and input. */
export type { Wish } from "./src/jobs/submit.ts";
/** For the bench: snapshots of a journal that it wrote, folded as a hive does. */
export { openFold } from "./src/hive/fold.ts";
/** For the bench: the providers of the program, with nothing live behind them. */
export { foldedMounts } from "./src/hive/folded.ts";
/** For the bench: lies in copies of a journal, and where a replay finds them. */
export { type Flip, flipsFrom } from "./src/testing/flips.ts";
/** For the bench: a machine made of files, a process that wants the processor, and the watch over either. */
export { ownerWatch } from "./src/owner/measure.ts";
export { fileMachine, startHog } from "./src/owner/testing.ts";
/** For the shows of recovery: the shipped programs as one who uses them starts them. */
export { endOf, Machine, type NodeRow, type Running, until } from "./src/testing/machine.ts";
