export { type PastDeps, pastProvider } from "./src/past.ts";
