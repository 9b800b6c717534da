// Finds the test files of each suite, runs them under node:test, and counts what passed, failed and was skipped.
import { fork } from "node:child_process";
import { join } from "node:path";
import { run } from "node:test";
import { Count } from "./count.ts";
import { root, sources } from "./files.ts";
import { type Outcome, outcomeOf } from "./outcome.ts";

export type Suite = "fast" | "slow" | "judge";

function suiteOf(path: string): Suite | undefined {
  if (!path.endsWith(".test.ts")) return undefined;
  if (path.endsWith(".slow.test.ts")) return "slow";
  return path.endsWith(".judge.test.ts") ? "judge" : "fast";
}

/** Fast tests that count the processes or locks of their own process: each has one to itself. */
const alone = /^apps\/(sandbox\/src\/process|storage\/src\/lock)\.test\.ts$/;

/** Folders whose other fast tests share a process, since starting one costs more than most of them take. */
const shared = [/^(lib|kernel|providers)\//, /^apps\/skep\//, /./];

// Each file is a process of its own: what one compiled the next need not.
process.env.NODE_COMPILE_CACHE ??= join(root, "node_modules", ".cache", "skep");
const verbose = process.env.SKEP_TEST_VERBOSE !== undefined;
const execArgv = ["--disable-warning=ExperimentalWarning"];

/** Milliseconds until a file that does not end is ended: several times what the longest takes on a loaded machine. */
const patience = { fast: 120_000, slow: 600_000, judge: 600_000 } as const;

/** Milliseconds after which no further slow file is begun, so that what is known is told before whoever waits gives up. */
const enough = 60 * 60_000;

async function runFile(path: string, suite: Suite, count: Count): Promise<void> {
  const stream = run({
    files: [join(root, path)],
    concurrency: 1,
    timeout: patience[suite],
    // A process that a failed test left behind must not keep its file, and all files after it, waiting.
    forceExit: true,
    execArgv,
  });
  for await (const { type, data } of stream) {
    const outcome = outcomeOf(type, data);
    if (outcome) count.take(outcome);
    else if (type === "test:stderr" && verbose) process.stderr.write(data.message);
  }
}

async function runApart(files: readonly string[], suite: Suite, count: Count): Promise<void> {
  for (const [index, path] of files.entries()) {
    const started = performance.now();
    if (started > enough) {
      const why = `not begun: the tests already take ${Math.round(started / 60_000)} minutes`;
      count.take({ name: path, file: path, nesting: 0, passed: false, suite: false, ms: 0, why });
      continue;
    }
    await runFile(path, suite, count);
    if (suite === "fast") continue;
    const seconds = ((performance.now() - started) / 1000).toFixed(1).padStart(6);
    console.log(`${String(index + 1).padStart(4)}/${files.length} ${seconds} s  ${path}`);
  }
}

function runInside(files: readonly string[], count: Count): Promise<void> {
  const paths = files.map((path) => join(root, path));
  const stdio = ["ignore", "ignore", "inherit", "ipc"] as const;
  const child = fork(join(root, "scripts", "tests-inside.ts"), paths, { execArgv, stdio: [...stdio] });
  child.on("message", (outcome) => count.take(outcome as Outcome));
  return new Promise((resolve) => {
    child.on("exit", (code, signal) => {
      if (code !== 0) {
        const why = `the process of these tests ended with ${signal ?? code}`;
        count.take({
          name: why,
          file: "scripts/tests-inside.ts",
          nesting: 0,
          passed: false,
          suite: false,
          ms: 0,
          why,
        });
      }
      resolve();
    });
  });
}

async function runFast(files: readonly string[], count: Count): Promise<void> {
  const left = new Set(files.filter((path) => !alone.test(path)));
  const lanes = shared.map((folder) => {
    const lane = [...left].filter((path) => folder.test(path));
    for (const path of lane) left.delete(path);
    return runInside(lane, count);
  });
  await Promise.all([
    ...lanes,
    runApart(
      files.filter((path) => alone.test(path)),
      "fast",
      count,
    ),
  ]);
}

async function runSuite(suite: Suite, count: Count): Promise<void> {
  const files = sources().filter((path) => suiteOf(path) === suite);
  if (files.length === 0) return;
  const started = performance.now();
  await (suite === "fast" ? runFast(files, count) : runApart(files, suite, count));
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`     ${suite} tests: ${files.length} files (${seconds} s)`);
}

/** Most files that are run a second time: more that fail are no matter of a busy machine. */
const mostAgain = 5;

/**
 * Runs each file that failed once more, by itself: a machine that others use may be too slow for a moment. What passes
 * then is told as unsteady, with what it failed of above; what fails again has failed.
 */
async function runAgain(count: Count): Promise<void> {
  const failed = count.failedFiles.filter((file) => suiteOf(file) !== undefined);
  if (failed.length > mostAgain) return;
  for (const file of failed) {
    if (performance.now() > enough) return;
    console.log(`     once more: ${file}`);
    const second = new Count();
    await runFile(file, suiteOf(file) ?? "slow", second);
    count.settle(file, second);
  }
}

/** How a run of suites is done. */
interface Running {
  /** Whether files that failed are run once more at the end. */
  readonly again?: boolean;
}

/** Runs the suites in order and prints the counts; true when nothing failed and something passed. */
export async function runTests(suites: readonly Suite[], { again = false }: Running = {}): Promise<boolean> {
  const count = new Count();
  for (const suite of suites) await runSuite(suite, count);
  if (again) await runAgain(count);
  if (verbose) console.log(`     slowest: ${count.slowest}`);
  let skipped = 0;
  for (const [reason, names] of count.skipped) {
    skipped += names.length;
    console.log(`skip ${names.length} × ${reason}`);
  }
  for (const file of count.unsteady) console.log(`unsteady: ${file} failed once and passed when run again`);
  const { passed, failed } = count;
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  return failed === 0 && passed > 0;
}
