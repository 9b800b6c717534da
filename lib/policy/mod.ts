export { isLoaded } from "./cedar.ts";
export { type Describe, testPolicies, type Tested } from "./cases.ts";
export { type Change, compareSets } from "./compare.ts";
export type { Need } from "./need.ts";
export { printProblem, type Problem } from "./positions.ts";
export { type ActClass, type PolicyRequest, schemaText } from "./request.ts";
export { type PathRule, rulesToCedar } from "./rules.ts";
export { type Decided, PolicySet } from "./set.ts";
export { loadPolicies, readPolicies, type Loaded, type Policy, type PolicyFiles } from "./source.ts";
