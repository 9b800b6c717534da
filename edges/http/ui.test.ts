import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { assetsIn } from "./ui.ts";

test("what was compressed beside a file is sent as it is, and is no file of the page", (t) => {
  const dir = mkdtempSync(join(tmpdir(), "skep-page-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const text = "let bee = 1;\n".repeat(200);
  // Another level than the server's own: only what lies there has these bytes.
  const zipped = gzipSync(text, { level: 1 });
  writeFileSync(join(dir, "a.js"), text);
  writeFileSync(join(dir, "a.js.gz"), zipped);
  writeFileSync(join(dir, "b.js"), text);
  const asset = assetsIn(dir);
  assert.deepEqual(asset("/a.js")?.zipped, zipped);
  assert.equal(String(gunzipSync(asset("/b.js")?.zipped ?? "")), text);
  assert.equal(asset("/a.js.gz"), undefined);
});

test("what was compressed beside a file before the file changed is never sent", (t) => {
  const dir = mkdtempSync(join(tmpdir(), "skep-page-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const text = "let bee = 1;\n".repeat(200);
  writeFileSync(join(dir, "a.js"), text);
  writeFileSync(join(dir, "b.js"), text);
  writeFileSync(join(dir, "a.js.gz"), gzipSync(text.replace("1", "2")));
  writeFileSync(join(dir, "b.js.gz"), "");
  const asset = assetsIn(dir);
  for (const path of ["/a.js", "/b.js"])
    assert.equal(String(gunzipSync(asset(path)?.zipped ?? "")), text, path);
});
