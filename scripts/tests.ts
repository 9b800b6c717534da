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
  readonly nesting: number;
  readonly details: {
    readonly duration_ms: number;
    readonly type?: string | undefined;
    readonly error?: unknown;
  };
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

// Each file is a process of its own: what one compiled the next need not.
process.env.NODE_COMPILE_CACHE ??= join(root, "node_modules", ".cache", "skep");

/** Adds up what the tests of each file took, to tell which file makes the suite slow. */
class Spent {
  readonly #ms = new Map<string, number>();

  add({ file, details }: Outcome): void {
    const name = file?.replace(`${root}/`, "") ?? "";
    this.#ms.set(name, (this.#ms.get(name) ?? 0) + details.duration_ms);
  }

  toString(): string {
    const rows = [...this.#ms].sort(([, a], [, b]) => b - a).slice(0, 8);
    return rows.map(([file, ms]) => `${file} ${(ms / 1000).toFixed(1)} s`).join(", ");
  }
}

function start(suite: Suite, files: readonly string[]) {
  return run({
    files: files.map((path) => join(root, path)),
    concurrency: suite === "fast" ? 3 : 1,
    timeout: suite === "fast" ? 120_000 : 1_200_000,
    execArgv: ["--disable-warning=ExperimentalWarning"],
  });
}

function take(count: Count, spent: Spent, outcome: Outcome, passed: boolean): void {
  record(count, outcome, passed);
  if (outcome.nesting === 0) spent.add(outcome);
  if (!passed && outcome.details.type !== "suite") console.log(explain(outcome));
}

async function runSuite(suite: Suite, count: Count): Promise<void> {
  const files = sources().filter((path) => suiteOf(path) === suite);
  if (files.length === 0) return;
  const started = performance.now();
  const spent = new Spent();
  const verbose = process.env.SKEP_TEST_VERBOSE !== undefined;
  for await (const { type, data } of start(suite, files)) {
    if (type === "test:pass" || type === "test:fail")
      take(count, spent, data as Outcome, type === "test:pass");
    else if (type === "test:stderr" && verbose) process.stderr.write(data.message);
  }
  if (verbose) console.log(`     slowest: ${spent}`);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`     ${suite} tests: ${files.length} files (${seconds} s)`);
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
