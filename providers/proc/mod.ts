export { type LoopFigures, type ProcDeps, procProvider, type ProcSession } from "./src/proc.ts";
