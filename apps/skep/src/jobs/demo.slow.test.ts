import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { makeTestPlace } from "../testing/hive.ts";

const root = fileURLToPath(new URL("../../../..", import.meta.url));

test("the demonstration runs real modules, proves their verdicts and leaves nothing behind", async () => {
  await using place = makeTestPlace();
  const { code, out } = await place.skep(["demo", "--once", "--json"]);
  const told = JSON.parse(out);
  assert.equal(code, 0);
  assert.equal(told.workers.length, 2);
  const found = told.jobs.map((job: Record<string, unknown>) => [job.module, job.exit, job.verified]);
  const expected = ["reverse", "sha256", "wc", "mandelbrot"].map((name) => [name, 0, true]);
  assert.deepEqual(found, expected);
  assert.equal(told.jobs[0].output, "dlroW ,olleH");
  const license = createHash("sha256")
    .update(readFileSync(`${root}/LICENSE`))
    .digest("hex");
  assert.ok(told.jobs[1].output.startsWith(license));
  for (const { job, records } of told.jobs) {
    assert.equal(records[0], Number(job));
    assert.ok(records[1] > records[0] && records[1] < told.journal.size);
  }
  assert.match(told.journal.root, /^[0-9a-f]{64}$/);
  assert.equal(existsSync(told.home), false);
});

test("what it prints for a second terminal works as printed, and Ctrl-C ends it with 0", async () => {
  await using place = makeTestPlace();
  const { io, done } = place.start(["demo"]);
  while (!io.out().includes("Ctrl-C")) await new Promise((resolve) => setImmediate(resolve));
  const lines = io.out().split("\n");
  assert.ok(lines.length <= 16);
  const commands = lines.filter((line) => line.startsWith("  npx skep "));
  assert.equal(commands.length, 3);
  for (const command of commands) {
    const [words = "", input] = command.trim().split(" < ");
    const options = input ? { input: [readFileSync(`${root}/${input}`, "utf8")] } : {};
    const ran = await place.skep(words.split(" ").slice(2), options);
    assert.equal(ran.code, 0, `${command}: ${ran.err}`);
    assert.ok(ran.out.length > 0);
  }
  io.kill("SIGINT");
  assert.equal(await done, 0);
});
