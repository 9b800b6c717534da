import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { startTestHive, type TestHive } from "../testing/hive.ts";

/** Stores bytes as the output of a job that has ended. */
async function output({ hive }: TestHive, job: string): Promise<string> {
  const bytes = Buffer.from(`output of ${job}`);
  const digest = createHash("sha256").update(bytes).digest("hex");
  const { owner, kernel } = hive;
  const handle = await owner.open(await owner.find(`/cas/${digest}`), { read: false, write: true });
  await handle.write(0, bytes);
  await handle.close();
  const part = { bytes: bytes.length, digest };
  const end = { reason: "exit", exit: 0, message: "", stdout: part, stderr: part, receipt: null };
  const data = { job, worker: "owner", state: "done", end: { ...end, verified: false, peakBytes: 0 } };
  kernel.system("jobs", "/", { op: "test" }, () => ({ events: [{ type: "ended@1", data }] }));
  return digest;
}

test("a dry run tells what would go and changes nothing; gc lets it go, with its bytes", async () => {
  await using hive = await startTestHive(undefined, { SKEP_RETENTION_OUTPUTS_AGE: "0s" });
  const { kernel } = hive.hive;
  // The first sweep comes by itself; the next one would a day later.
  await output(hive, "9000000");
  kernel.tick();
  const digest = await output(hive, "9000001");
  const file = join(hive.home, "blobs", digest.slice(0, 2), digest.slice(2, 4), digest);
  const { next } = kernel.journal;
  const dry = await hive.skep(["gc", "--dry-run"]);
  assert.equal(dry.code, 0, dry.err);
  const [first, last] = dry.out.trimEnd().split("\n");
  assert.match(first ?? "", new RegExp(`^${digest}  17 bytes, stored 20`));
  assert.equal(last, "Would remove 1 of 1 blobs, 17 bytes; nothing was changed");
  assert.deepEqual([kernel.journal.next, existsSync(file)], [next, true]);

  assert.equal((await hive.skep(["gc"])).out, "Removed 1 blobs, 17 bytes\n");
  await kernel.settled();
  await hive.stop();
  assert.equal(existsSync(file), false);
});

test("gc is for whoever may collect, and says so as JSON too", async () => {
  await using hive = await startTestHive();
  assert.deepEqual(JSON.parse((await hive.skep(["gc", "--json"])).out), { blobs: 0, bytes: 0 });
  const { out } = await hive.skep(["user", "add", "bea", "--right", "/cas:rw"]);
  await hive.skep(["context", "add", "bea", "--from", "-"], { input: [out] });
  assert.equal((await hive.skep(["--context", "bea", "gc"])).code, 4);
});
