export type { Checker } from "./src/prepared.ts";
export type { MandatesView } from "./src/mandate.ts";
export { type PolicyDeps, policyProvider } from "./src/policy.ts";
export { type GovernedView, retained, witnessed } from "./src/governed.ts";
export { Enrolment, type Signed } from "./src/signers.ts";
export type { QueueLimits } from "./src/queue.ts";
