import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { bootText } from "./boot.ts";
import { engineFlags } from "./process.ts";
import { runnerSources } from "./sources.ts";

const engine = engineFlags({ memoryBytes: 1 << 24, heapMiB: 64 });
const sources = await runnerSources(engine);
// Stands where boot.ts makes a script: says whether the engine took what was compiled, instead of running it.
const asked = (words: readonly string[]) =>
  execFileSync(
    process.execPath,
    [
      ...words,
      "--eval",
      bootText
        .replace(".runInThisContext()", ".cachedDataRejected")
        .replace("new Script", "process.exitCode = +new Script"),
    ],
    { input: sources.runner, env: {}, encoding: "utf8", stdio: "pipe" },
  );

test("what was compiled ahead is taken under the runner's flags and refused under others", () => {
  assert.equal(asked(engine), "");
  assert.throws(() => asked([...engine, "--stack-size=900"]), /Command failed/);
});

test("a runner's script holds nothing of the checker, nor the checker's the host of a module", () => {
  const runner = String(sources.runner);
  const admitter = String(sources.admitter);
  assert.deepEqual([runner.includes("class Scanner"), admitter.includes("class Scanner")], [false, true]);
  assert.deepEqual(
    [runner.includes("WebAssembly.Module("), admitter.includes("WebAssembly.Module(")],
    [true, false],
  );
});
