export type { End, Input, Job, Jobs, Limits, Output, Run, State } from "./src/model.ts";
export { Beats } from "./src/beats.ts";
export { type JobsDeps, jobsProvider, type LeasesView } from "./src/jobs.ts";
export { Details, JobCommand, ResultCommand } from "./src/schema.ts";
export { accountOf } from "./src/replicate-meter.ts";
export { networkOf, placing } from "./src/replicate-network.ts";
export type { Judged, Verdict } from "./src/replicate-model.ts";
export type { Signs } from "./src/replicate-render.ts";
export type { JobLimits } from "./src/uses.ts";
