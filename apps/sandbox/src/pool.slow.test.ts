import assert from "node:assert/strict";
import { join } from "node:path";
import { after, test } from "node:test";
import { hostile } from "./hostile.ts";
import { createSandboxPool } from "./pool.ts";
import { example, jobOf } from "./testing.ts";

const pool = await createSandboxPool({ concurrency: 2, warm: 1 });
after(() => pool[Symbol.asyncDispose]());

test("a fresh job gives the module's output, its exit code and the layers around it", async () => {
  const job = jobOf(example("reverse"), { stdin: Buffer.from("Hello, World") });
  const result = await pool.run(job);
  assert.equal(result.message, "Exit 0");
  assert.equal(result.reason, "exit");
  assert.equal(result.exitCode, 0);
  assert.equal(job.output.stdout, "dlroW ,olleH");
  assert.equal(result.stdoutBytes, 12);
  assert.ok(result.layers.includes("node-permission"));
  assert.ok(result.peakRunnerBytes > 10_000_000);
});

test("the same job uses the same fuel fresh and shared, and a module given by path is the same module", async () => {
  const stdin = Buffer.from("three short words\n");
  const path = join(import.meta.dirname, "../../../examples/modules/wc.wasm");
  const fresh = jobOf(example("wc"), { stdin });
  const shared = jobOf(example("wc"), { stdin, grade: "shared", module: { path } });
  const results = [await pool.run(fresh), await pool.run(shared), await pool.run(shared)];
  assert.equal(fresh.output.stdout, "      1       3      18\n");
  assert.equal(shared.output.stdout, fresh.output.stdout.repeat(2));
  assert.equal(new Set(results.map(({ fuelUsed }) => fuelUsed)).size, 1);
});

test("a module's own exit code comes back with both streams", async () => {
  const job = jobOf(example("misbehaving/exit3"), { grade: "shared" });
  const result = await pool.run(job);
  assert.equal(result.exitCode, 3);
  assert.deepEqual(job.output, { stdout: "to stdout\n", stderr: "to stderr\n" });
});

test("a trap has no exit code and keeps what was written before it", async () => {
  const job = jobOf(example("misbehaving/trap"));
  const result = await pool.run(job);
  assert.equal(result.reason, "trap");
  assert.equal(result.exitCode, null);
  assert.equal(job.output.stdout, "before the trap\n");
});

test("an endless loop ends at its deadline", async () => {
  const job = jobOf(example("misbehaving/loop"), { limits: { wallMs: 300, fuel: 1n << 60n } });
  const result = await pool.run(job);
  assert.equal(result.reason, "timeout");
  assert.equal(result.message, "It took longer than 300 ms");
});

test("what was written before an endless loop is delivered whole, at the deadline and at a cancel", async () => {
  const lines = "line one\n".repeat(3);
  const late = jobOf(hostile.saysAndHangs, { limits: { wallMs: 500, fuel: 1n << 60n } });
  const result = await pool.run(late);
  assert.deepEqual([result.reason, result.stdoutBytes, late.output.stdout], ["timeout", 27, lines]);

  const stop = new AbortController();
  let seen = "";
  const canceled = jobOf(hostile.saysAndHangs, {
    limits: { fuel: 1n << 60n },
    onOutput: (_, bytes) => {
      seen += Buffer.from(bytes).toString();
      if (seen === lines) stop.abort();
    },
  });
  assert.equal((await pool.run(canceled, stop.signal)).reason, "canceled");
  assert.equal(seen, lines);
});

test("a flood of output that is no longer taken ends at its deadline", async () => {
  const limits = { wallMs: 400, fuel: 1n << 60n, stdoutBytes: 1e9 };
  let pieces = 0;
  const onOutput = () => (++pieces < 10 ? undefined : new Promise<void>(() => {}));
  const result = await pool.run(jobOf(example("misbehaving/flood"), { limits, onOutput }));
  assert.deepEqual([result.reason, pieces], ["timeout", 10]);
});

test("output over its limit ends the job with exactly the limit delivered", async () => {
  const result = await pool.run(jobOf(example("misbehaving/flood"), { limits: { stdoutBytes: 100_000 } }));
  assert.equal(result.reason, "output");
  assert.equal(result.stdoutBytes, 100_000);
});

test("bytes that do not have the digest are refused by name", async () => {
  const result = await pool.run(jobOf(example("reverse"), { digest: "00".repeat(32) }));
  assert.equal(result.reason, "refused");
  assert.equal(result.code, "sandbox.digest");
});

test("bytes that are no module are refused with the checker's code", async () => {
  const result = await pool.run(jobOf(Buffer.from("not wasm")));
  assert.equal(result.reason, "refused");
  assert.match(result.code ?? "", /^wasm\./);
});

test("cancel ends a running job and a waiting one", async () => {
  const stop = new AbortController();
  const started = Promise.withResolvers<void>();
  const job = jobOf(example("misbehaving/flood"), {
    onOutput: async () => {
      started.resolve();
      await new Promise(() => {});
    },
  });
  const running = pool.run(job, stop.signal);
  await started.promise;
  const before = performance.now();
  stop.abort();
  assert.equal((await running).reason, "canceled");
  assert.ok(performance.now() - before < 1000);
  assert.equal((await pool.run(jobOf(example("reverse")), stop.signal)).reason, "canceled");
});

test("a stdin that fails rejects the run with its own error and harms nobody else", async () => {
  async function* broken() {
    yield Buffer.from("a");
    throw new Error("the disk is gone");
  }
  await assert.rejects(pool.run(jobOf(example("sha256"), { stdin: broken() })), /the disk is gone/);
  assert.equal((await pool.run(jobOf(example("reverse")))).reason, "exit");
});

test("limits are clamped to the pool's whatever the job asks", async () => {
  await using small = await createSandboxPool({ warm: 0, limits: { memoryBytes: 4 * 65_536 } });
  const job = jobOf(example("misbehaving/grow"), { limits: { memoryBytes: 1e9 } });
  await small.run(job);
  assert.equal(job.output.stdout, "4\n");
});
