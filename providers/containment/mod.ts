export { containmentProvider } from "./src/containment.ts";
export { ContainCommand } from "./src/command.ts";
