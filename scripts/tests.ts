// Finds the test files of each suite, runs them under node:test, and counts what passed, failed and was skipped.
import { run } from "node:test";
import { join } from "node:path";
import { root, sources } from "./files.ts";

export type Suite = "fast" | "slow" | "judge";

function suiteOf(path: string): Suite | undefined {
  if (!path.endsWith(".test.ts")) return undefined;
  if (path.endsWith(".slow.test.ts")) return "slow";
  return path.endsWith(".judge.test.ts") ? "judge" : "fast";
}

interface Count {
  passed: number;
  failed: number;
  readonly skipped: Map<string, string[]>;
}

interface Outcome {
  readonly name: string;
  readonly file?: string | undefined;
  readonly skip?: string | boolean | undefined;
  readonly todo?: string | boolean | undefined;
  readonly details: { readonly type?: string | undefined; readonly error?: unknown };
}

function record(count: Count, at: Outcome, passed: boolean): void {
  if (at.details.type === "suite" || at.name === at.file) return;
  if (at.skip) {
    const reason = typeof at.skip === "string" ? at.skip : "no reason given";
    count.skipped.set(reason, [...(count.skipped.get(reason) ?? []), at.name]);
  } else if (passed) count.passed += 1;
  else count.failed += 1;
}

function explain(at: Outcome): string {
  const error = at.details.error as { cause?: unknown } | undefined;
  const cause = error?.cause ?? error;
  const text = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
  return `FAIL ${at.file?.replace(`${root}/`, "") ?? ""} › ${at.name}\n${text.replace(/^/gm, "     ")}`;
}

async function runSuite(suite: Suite, count: Count): Promise<void> {
  const files = sources().filter((path) => suiteOf(path) === suite);
  if (files.length === 0) return;
  const started = performance.now();
  const stream = run({
    files: files.map((path) => join(root, path)),
    concurrency: suite === "fast" ? 3 : 1,
    timeout: suite === "fast" ? 60_000 : 1_200_000,
    execArgv: ["--disable-warning=ExperimentalWarning"],
  });
  for await (const { type, data } of stream) {
    if (type === "test:pass") record(count, data as Outcome, true);
    else if (type === "test:fail") {
      record(count, data as Outcome, false);
      if ((data as Outcome).details.type !== "suite") console.log(explain(data as Outcome));
    } else if (type === "test:stderr" && process.env.SKEP_TEST_VERBOSE) process.stderr.write(data.message);
  }
  console.log(
    `     ${suite} tests: ${files.length} files (${((performance.now() - started) / 1000).toFixed(1)} s)`,
  );
}

/** Runs the suites in order and prints the counts; true when nothing failed and something passed. */
export async function runTests(suites: readonly Suite[]): Promise<boolean> {
  const count: Count = { passed: 0, failed: 0, skipped: new Map() };
  for (const suite of suites) await runSuite(suite, count);
  let skipped = 0;
  for (const [reason, names] of count.skipped) {
    skipped += names.length;
    console.log(`skip ${names.length} × ${reason}`);
  }
  console.log(`${count.passed} passed, ${count.failed} failed, ${skipped} skipped`);
  return count.failed === 0 && count.passed > 0;
}
