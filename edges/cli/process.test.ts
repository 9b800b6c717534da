import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("./sample-main.ts", import.meta.url));
const start = (...args: string[]) => spawn(process.execPath, [main, ...args]);

test("three megabytes leave through a pipe before the process exits", () => {
  const { stdout, status } = spawnSync(process.execPath, [main, "flood", "3000000"], {
    maxBuffer: 4_000_000,
  });
  assert.equal(stdout.length, 3_000_000);
  assert.equal(status, 0);
});

test("a reader that closes the pipe early ends the process with 0 and no stack trace", async () => {
  const child = start("flood", "3000000");
  const told: Buffer[] = [];
  child.stderr.on("data", (bytes: Buffer) => told.push(bytes));
  child.stdout.once("data", () => child.stdout.destroy());
  const [code] = await once(child, "close");
  assert.equal(code, 0);
  assert.equal(Buffer.concat(told).toString(), "");
});

test("SIGINT ends a waiting process with 130", async () => {
  const child = start("wait");
  await once(child.stdout, "data");
  child.kill("SIGINT");
  const [code] = await once(child, "close");
  assert.equal(code, 130);
});

test("a command that waits for nothing but the clock is waited for", () => {
  const { stdout, stderr, status } = spawnSync(process.execPath, [main, "look"], { encoding: "utf8" });
  assert.deepEqual({ stdout, stderr, status }, { stdout: "seen\n", stderr: "", status: 0 });
});
