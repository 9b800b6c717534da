import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createSandboxPool } from "./pool.ts";
import { descendants, example, jobOf } from "./testing.ts";

const caller = (layers: string) => `
import { createSandboxPool } from ${JSON.stringify(new URL("../mod.ts", import.meta.url).href)};
import { example, jobOf } from ${JSON.stringify(new URL("./testing.ts", import.meta.url).href)};
const pool = await createSandboxPool({ warm: 2, layers: ${layers} });
await pool.ready();
const output = () => console.log("running");
pool.run(jobOf(example("misbehaving/flood"), { limits: { stdoutBytes: 1e9 }, onOutput: output }));
`;

/** Whether the process still runs; one that only waits to be reaped does not. */
function runs(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return false;
  }
}

for (const layers of ["{}", "{ bubblewrap: false }"])
  test(`kill -9 of the caller ends every process that it started (layers ${layers})`, async () => {
    const child = spawn(process.execPath, ["--input-type=module", "--eval", caller(layers)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await new Promise((resolve) => child.stdout?.once("data", resolve));
    assert.ok(child.pid);
    const left = descendants(child.pid);
    assert.ok(left.length >= 3);
    child.kill("SIGKILL");
    const deadline = performance.now() + 5000;
    // Nothing tells of the end of another process's children, so it is looked at again and again.
    while (left.some(runs) && performance.now() < deadline) await sleep(20);
    assert.deepEqual(left.filter(runs), []);
  });

test("cancel ends an endless job, half of the time within 50 ms", async () => {
  await using pool = await createSandboxPool({ warm: 2, concurrency: 1 });
  await pool.ready();
  const took: number[] = [];
  for (let round = 0; round < 9; round++) {
    const stop = new AbortController();
    const writes = Promise.withResolvers<void>();
    const job = jobOf(example("misbehaving/flood"), {
      limits: { stdoutBytes: 1e9 },
      onOutput: () => writes.resolve(),
    });
    const running = pool.run(job, stop.signal);
    await writes.promise;
    const at = performance.now();
    stop.abort();
    assert.equal((await running).reason, "canceled");
    took.push(performance.now() - at);
  }
  took.sort((a, b) => a - b);
  console.log(`cancel: ${took.map((ms) => ms.toFixed(1)).join(" ")} ms`);
  assert.ok((took[4] ?? 1e9) < 50);
});
