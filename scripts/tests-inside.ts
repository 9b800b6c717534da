// Runs test files one after the other in this process and tells each outcome to the parent: files that start nothing
// and touch nothing outside need no process of their own, and starting one costs more than most of them take.
import { run } from "node:test";
import { outcomeOf } from "./outcome.ts";

for await (const { type, data } of run({ files: process.argv.slice(2), isolation: "none" })) {
  const outcome = outcomeOf(type, data);
  if (outcome) process.send?.(outcome);
}
process.disconnect();
