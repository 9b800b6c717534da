import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { replacing } from "./session-file.ts";

test("of texts that come while one is written the newest is kept, and all who wait hear when it is", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "skep-sessions-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const path = join(dir, "http", "sessions.json");
  const save = replacing(path);
  await Promise.all(["one", "two", "three"].map(save));
  assert.equal(readFileSync(path, "utf8"), "three");
  await save("four");
  assert.equal(readFileSync(path, "utf8"), "four");
  assert.deepEqual(readdirSync(join(dir, "http")), ["sessions.json"]);
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test("what a crash left half written is taken over, for others unreadable whatever it was", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "skep-sessions-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const path = join(dir, "sessions.json");
  writeFileSync(path, "whole");
  writeFileSync(`${path}.new`, "half of someth", { mode: 0o644 });
  assert.equal(readFileSync(path, "utf8"), "whole");
  await replacing(path)("new");
  assert.equal(readFileSync(path, "utf8"), "new");
  assert.deepEqual(readdirSync(dir), ["sessions.json"]);
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test("a text that cannot be written is refused, and the next one is written all the same", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "skep-sessions-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const path = join(dir, "sessions.json");
  const save = replacing(join(path, "below"));
  await save("one");
  rmSync(path, { recursive: true });
  const other = replacing(path);
  await other("a file where a directory was");
  await assert.rejects(save("two"), { code: /EEXIST|ENOTDIR/ });
  rmSync(path);
  await save("three");
  assert.equal(readFileSync(join(path, "below"), "utf8"), "three");
});
