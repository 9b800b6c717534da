export { type LogDeps, logProvider } from "./src/log.ts";
