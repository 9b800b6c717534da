// npm test: everything that npm run ok does, then the slow suites and the outside judges.
import { installJudges } from "./judges.ts";
import { type Ended, step } from "./step.ts";
import { runTests, type Suite } from "./tests.ts";

const all: readonly Suite[] = ["fast", "slow", "judge"];
const asked = process.argv
  .slice(2)
  .filter((word): word is Suite => (all as readonly string[]).includes(word));
const node = process.execPath;
const ended: Ended[] = [];
if (asked.length === 0) {
  ended.push(
    await step("format and lint", "biome", [
      "ci",
      "--colors=off",
      "--error-on-warnings",
      "--max-diagnostics=60",
      ".",
    ]),
  );
  ended.push(await step("types", "tsc", ["--noEmit"]));
  ended.push(await step("layers", node, ["--disable-warning=ExperimentalWarning", "scripts/layers.ts"]));
  ended.push(await step("dependencies", node, ["--disable-warning=ExperimentalWarning", "scripts/deps.ts"]));
}
await installJudges();
const passed = await runTests(asked.length ? asked : all, { again: true });
process.exit(passed && ended.every((one) => one.code === 0) ? 0 : 1);
