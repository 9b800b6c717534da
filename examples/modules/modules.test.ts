import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const here = import.meta.dirname;
const listed = readFileSync(join(here, "SHA256SUMS"), "utf8").trimEnd().split("\n");

test("each module in SHA256SUMS has that digest and a few kilobytes", () => {
  for (const line of listed) {
    const [digest, path = ""] = line.split(/ +/);
    const bytes = readFileSync(join(here, path));
    assert.equal(createHash("sha256").update(bytes).digest("hex"), digest, path);
    assert.ok(bytes.length < 4096, path);
  }
});

test("each C source has its module and nothing else is listed", () => {
  const sources = [here, join(here, "misbehaving")]
    .flatMap((dir) => readdirSync(dir).map((name) => join(dir, name).slice(here.length + 1)))
    .filter((path) => path.endsWith(".c"))
    .map((path) => path.replace(/c$/, "wasm"));
  assert.deepEqual(listed.map((line) => line.split(/ +/)[1]).sort(), sources.sort());
});

test("each module compiles and imports nothing but WASI preview 1", () => {
  for (const line of listed) {
    const module = new WebAssembly.Module(readFileSync(join(here, line.split(/ +/)[1] ?? "")));
    for (const { module: from } of WebAssembly.Module.imports(module))
      assert.equal(from, "wasi_snapshot_preview1");
    assert.ok(WebAssembly.Module.exports(module).some(({ name }) => name === "_start"));
  }
});
