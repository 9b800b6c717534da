import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const run = fileURLToPath(new URL("../../../../testing/churn/run.ts", import.meta.url));

interface Report {
  readonly kills: number;
  readonly starts: number;
  readonly cuts: number;
  readonly jobs: number;
  readonly done: number;
  readonly failed: readonly string[];
  readonly ended: number;
  readonly twice: readonly string[];
  readonly ledger: "none" | "equal" | "different";
  readonly hive: { readonly before: { files: number }; readonly after: { files: number } };
  readonly processes: number;
  readonly leftovers: readonly string[];
}

// SKEP_CHURN_MS: how long the trouble lasts. Half a minute are three simulated hours with 30 % of ten machines killed in each; two
// minutes, as the bench's half hour, are for a machine that has nothing else to do.
const lasts = Number(process.env.SKEP_CHURN_MS ?? 30_000);

test("ten machines are killed and cut off all the time: no job is lost, none counts twice, nothing leaks", async () => {
  const options = { lasts, workers: 10, seed: 20_261_121, least: 25, picture: ["100", "80", "500"] };
  const child = spawn(process.execPath, [
    "--disable-warning=ExperimentalWarning",
    run,
    JSON.stringify(options),
  ]);
  let out = "";
  let err = "";
  child.stdout.on("data", (bytes: Buffer) => (out += bytes));
  child.stderr.on("data", (bytes: Buffer) => (err += bytes));
  const [code] = await once(child, "close");
  assert.equal(code, 0, err);
  process.stdout.write(`churn: ${out}`);
  const report = JSON.parse(out) as Report;
  const { kills, starts, cuts, jobs, done, failed, ended, twice, ledger, hive, processes, leftovers } =
    report;
  // Nothing happened, nothing shown.
  assert.ok(kills >= 3 && cuts >= 1 && starts > 10, `${kills} kills, ${cuts} cuts, ${starts} starts`);
  assert.ok(jobs >= 20 && ended >= done && done > 0, `${jobs} jobs, ${done} done`);
  assert.ok(done / jobs >= 0.99, `${done} of ${jobs}: ${failed.slice(0, 5).join("; ")}`);
  assert.deepEqual(twice, []);
  assert.equal(ledger, "equal");
  assert.deepEqual([processes, leftovers], [0, []]);
  assert.ok(hive.after.files - hive.before.files < 40, JSON.stringify(hive));
});
