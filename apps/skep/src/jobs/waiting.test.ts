import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { simulatedClock } from "@skep/testing";
import { startTestHive, type TestHive } from "../testing/hive.ts";

const reverse = fileURLToPath(new URL("../../../../examples/modules/reverse.wasm", import.meta.url));

let hive: TestHive;
before(async () => {
  hive = await startTestHive();
});
after(() => hive[Symbol.asyncDispose]());

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Runs a command whose jobs nobody takes, lets its time pass until it has said why, and a while more; gives what it said. */
async function saysOf(argv: readonly string[], jobs: number): Promise<string[]> {
  const clock = simulatedClock(1);
  const { io, done } = hive.start(argv, { clock });
  const said = () =>
    io
      .err()
      .split("\n")
      .filter((line) => line.includes("waiting"));
  while (said().length < jobs) {
    await clock.advanceAsync(500);
    await turn();
  }
  for (let n = 0; n < 20; n += 1) {
    await clock.advanceAsync(500);
    await turn();
  }
  io.kill("SIGINT");
  assert.equal(await done, 130);
  return said();
}

test("run says why its job waits, once for as long as the reason is the same", async () => {
  const said = await saysOf(["run", reverse], 1);
  assert.equal(said.length, 1);
  assert.match(said[0] ?? "", /job \d+ waiting: no worker is present; start one with `skep worker`$/);
});

test("run --dag says it of each job that waits, and names the job that another waits for", async () => {
  const file = join(hive.dir, "two.toml");
  writeFileSync(file, `[jobs.a]\nmodule = "${reverse}"\n[jobs.b]\nmodule = "${reverse}"\nneeds = ["a"]\n`);
  const said = await saysOf(["run", "--dag", file], 2);
  assert.equal(said.length, 2);
  const [, first] = /job (\d+) waiting: no worker is present/.exec(said[0] ?? "") ?? [];
  assert.ok(first);
  assert.match(said[1] ?? "", new RegExp(`job \\d+ waiting: .*\\b${first}\\b`));
});
