// npm run ok: format, lint, types, layer rules, fast tests. Under a minute, green at every commit.
import { type Ended, step } from "./step.ts";
import { runTests } from "./tests.ts";

const node = process.execPath;
/** What the compiler knows of files that did not change. */
const kept = (name: string): string[] => [
  "--incremental",
  "--tsBuildInfoFile",
  `node_modules/.cache/skep-types/${name}.tsbuildinfo`,
];
const ended: Ended[] = await Promise.all([
  step("format and lint", "biome", [
    "ci",
    "--colors=off",
    "--error-on-warnings",
    "--max-diagnostics=60",
    ".",
  ]),
  step("types", "tsc", ["--noEmit", ...kept("types")]),
  step("types of the page", "tsc", ["--noEmit", "-p", "edges/ui", ...kept("page")]),
  step("layers", node, ["--disable-warning=ExperimentalWarning", "scripts/layers.ts"]),
  step("dependencies", node, ["--disable-warning=ExperimentalWarning", "scripts/deps.ts"]),
]);
const tests = await runTests(["fast"]);
process.exit(ended.some((one) => one.code !== 0) || !tests ? 1 : 0);
