import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { hasEnded } from "../testing/alive.ts";
import { healthy } from "./health.ts";

const dir = mkdtempSync(join(tmpdir(), "skep-health-"));
after(() => rmSync(dir, { recursive: true, force: true }));

const asked = (script: string, timeout: number, signal?: AbortSignal): Promise<boolean> =>
  healthy({ health: ["/bin/sh", "-c", script], timeout, ...(signal && { signal }) }, join(dir, "payload"));

test("a version is healthy where its check says so by exit code 0, told which payload it is of", async () => {
  assert.equal(await asked(`test "$SKEP_UPDATE" = "${join(dir, "payload")}"`, 60_000), true);
  assert.equal(await asked("exit 1", 60_000), false);
  assert.equal(await healthy({ health: [join(dir, "none")], timeout: 60_000 }, ""), false);
  assert.equal(await healthy({ health: [], timeout: 1 }, ""), true);
});

test("a check that takes too long is ended, and so is all that it started", async () => {
  assert.equal(await asked("exec sleep 300", 20), false);
  const file = join(dir, "child");
  const stop = new AbortController();
  const said = asked(`sleep 300 & echo $! > ${file}.new; mv ${file}.new ${file}; wait`, 300_000, stop.signal);
  while (!existsSync(file)) await new Promise((resolve) => void setImmediate(resolve));
  stop.abort();
  assert.equal(await said, false);
  assert.equal(await hasEnded(Number(readFileSync(file, "utf8"))), true);
});
