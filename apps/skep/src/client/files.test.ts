import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { replacePrivate } from "./files.ts";

const dir = mkdtempSync(join(tmpdir(), "skep-files-"));
after(() => rmSync(dir, { recursive: true, force: true }));

/** Runs a script of ours where no file may be longer than 8 KiB: like a full disk it takes the beginning of a write. */
function cramped(script: string): string {
  const files = import.meta.resolve("../client/files.ts");
  const chunked = import.meta.resolve("../chunked/file.ts");
  const keys = import.meta.resolve("../hive/keys.ts");
  const text = `import { replacePrivate } from "${files}"; import { fillFile } from "${chunked}"; import { privateFile } from "${keys}"; ${script}`;
  const words = ["-c", 'ulimit -f 16; exec "$0" --input-type=module -e "$1"', process.execPath, text];
  return spawnSync("/bin/sh", words, { cwd: dir, encoding: "utf8" }).stderr;
}

test("a file that does not fit on the disk stays what it was, and the reason is told", () => {
  replacePrivate(join(dir, "state"), "as it was");
  assert.match(cramped('replacePrivate("state", "x".repeat(20_000));'), /EFBIG/);
  assert.equal(readFileSync(join(dir, "state"), "utf8"), "as it was");
  assert.deepEqual(readdirSync(dir), ["state"]);
});

test("a key that does not fit on the disk is not there, and the reason is told", () => {
  assert.match(cramped('privateFile("keys/home", () => Buffer.alloc(20_000));'), /EFBIG/);
  assert.deepEqual(readdirSync(join(dir, "keys")), []);
});

test("chunks that do not fit on the disk are told as that, and not as damaged", () => {
  const script = 'await fillFile("part", { chunks: [{ digest: "0", bytes: 20_000 }], bytes: 20_000 }';
  assert.match(cramped(`${script}, async () => Buffer.alloc(20_000), () => undefined);`), /EFBIG/);
});
