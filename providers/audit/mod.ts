export { type ChainIndex, type Chains, createChains } from "./src/chains.ts";
export { type ReplayDeps, replayProvider, type Replays, type ReplayTold } from "./src/replay.ts";
export type { Link, Part } from "./src/chain.ts";
export type { WitnessesView, WitnessStanding } from "./src/witnesses.ts";
export type { Changed, Why } from "./src/why.ts";
export { type AuditDeps, type AuditJournal, auditProvider } from "./src/audit.ts";
