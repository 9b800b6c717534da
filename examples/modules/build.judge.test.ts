import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

const here = import.meta.dirname;

function lacking(): string | false {
  const asked = spawnSync("clang", ["--version"], { encoding: "utf8" });
  if (asked.error || spawnSync("wasm-ld", ["--version"]).error) return "clang and wasm-ld are not installed";
  return /Debian clang version 14\./.test(asked.stdout) ? false : "clang is not Debian 12's version 14";
}

test("clang builds the committed modules again, bit for bit", { skip: lacking() }, (t) => {
  const out = mkdtempSync(join(tmpdir(), "skep-modules-"));
  t.after(() => rmSync(out, { recursive: true }));
  const built = spawnSync(join(here, "build.sh"), [out], { encoding: "utf8" });
  assert.equal(built.stderr, "");
  assert.equal(built.status, 0);
  const committed = readFileSync(join(here, "SHA256SUMS"), "utf8");
  assert.equal(readFileSync(join(out, "SHA256SUMS"), "utf8"), committed);
  for (const line of committed.trimEnd().split("\n")) {
    const path = line.split(/ +/)[1] ?? "";
    assert.deepEqual(readFileSync(join(out, path)), readFileSync(join(here, path)), path);
  }
});
