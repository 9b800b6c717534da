// Runs test files one after the other in this process and tells each outcome to the parent.
import { run } from "node:test";
import { outcomeOf } from "./outcome.ts";

for await (const { type, data } of run({
  files: process.argv.slice(2),
  isolation: "none",
  timeout: 120_000,
})) {
  const outcome = outcomeOf(type, data);
  if (outcome) process.send?.(outcome);
}
process.disconnect();
