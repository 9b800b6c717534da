import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { LocalWorkers } from "../hive/workers.ts";
import { makeTestPlace, startTestHive, type TestHive } from "../testing/hive.ts";

const modules = fileURLToPath(new URL("../../../../examples/modules/misbehaving", import.meta.url));
const reasons: readonly (readonly [module: string, reason: string])[] = [
  ["loop", "fuel"],
  ["recurse", "depth"],
  ["flood", "output"],
  ["trap", "trap"],
  ["exit3", "exit"],
];

let hive: TestHive;
let workers: LocalWorkers;

before(async () => {
  hive = await startTestHive(makeTestPlace(), {
    SKEP_SANDBOX_ISOLATION: "off",
    SKEP_SANDBOX_OUTPUT: "256KiB",
  });
  workers = new LocalWorkers(hive.hive, () => undefined);
  await workers.start(1);
});
after(async () => {
  await workers[Symbol.asyncDispose]();
  await hive[Symbol.asyncDispose]();
});

function workerPids(): string[] {
  const children = readdirSync("/proc/self/task").flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, "utf8").trim().split(" "),
  );
  return children.filter(
    (pid) => pid !== "" && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("--worker-home"),
  );
}

for (const grade of ["shared", "fresh"])
  for (const [module, reason] of reasons)
    test(`without bubblewrap ${module} ends as ${reason} in a ${grade} process, and the receipt says so`, async () => {
      const limits = ["--fuel", "5000000", ...(grade === "fresh" ? ["--fresh"] : [])];
      const { out } = await hive.skep(["run", "--json", ...limits, `${modules}/${module}.wasm`]);
      const told = JSON.parse(out);
      assert.deepEqual([told.reason, told.grade, told.verified], [reason, grade, true]);
      const layers = told.sandbox.split("+");
      assert.ok(!layers.includes("bubblewrap"));
      assert.ok(layers.includes("node-permission"));
    });

test("the worker outlived all of them, in modest memory", () => {
  const pids = workerPids();
  assert.equal(pids.length, 1);
  const [, peak] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pids[0]}/status`, "utf8")) ?? [];
  console.log(`peak memory of the worker: ${Math.round(Number(peak) / 1024)} MiB`);
  assert.ok(Number(peak) < 256 * 1024);
});
