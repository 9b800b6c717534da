import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { LocalWorkers } from "../hive/workers.ts";
import { startTestHive, type TestHive } from "../testing/hive.ts";

const probe = spawnSync("php", ["-m"], { encoding: "utf8" });
const skip = probe.stdout?.includes("sodium")
  ? false
  : "php with sodium is not installed (Debian package php-cli)";
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const run = promisify(execFile);
const modules = here("../../../../examples/modules");

let hive: TestHive;
let workers: LocalWorkers;
let program: string;

before(async () => {
  if (skip) return;
  hive = await startTestHive();
  workers = new LocalWorkers(hive.hive, () => undefined);
  await workers.start(1);
  program = join(hive.dir, "plasmd");
  const node = `'${process.execPath}' --disable-warning=ExperimentalWarning '${here("../main.mjs")}'`;
  writeFileSync(program, `#!/bin/sh\nSKEP_HOME='${hive.home}' exec ${node} "$@"\n`);
  chmodSync(program, 0o700);
});
after(async () => {
  if (skip) return;
  await workers[Symbol.asyncDispose]();
  await hive[Symbol.asyncDispose]();
});

async function php(
  module: string,
  bytes: number,
): Promise<{ readonly code: number; readonly output: string }> {
  const args = [here("./testdata/client.php"), program, join(modules, `${module}.wasm`), String(bytes)];
  const { stdout } = await run("php", args, { maxBuffer: 16 * 1024 * 1024 });
  const end = stdout.indexOf("\n");
  return { code: Number(stdout.slice(0, end)), output: stdout.slice(end + 1) };
}

test("PHP writes two megabytes before it reads and gets the module's output and nothing else", {
  skip,
}, async () => {
  const digest = createHash("sha256").update("0123456789abcdef".repeat(131_072)).digest("hex");
  assert.deepEqual(await php("sha256", 2 * 1024 * 1024), { code: 0, output: `${digest}  -\n` });
});

test("PHP sees the module's exit code, and both of its streams", { skip }, async () => {
  const { code, output } = await php("misbehaving/exit3", 0);
  assert.equal(code, 3);
  assert.deepEqual(output.split("\n").sort(), ["", "to stderr", "to stdout"]);
});

test("PHP sees 125 and no line of ours when the module traps", { skip }, async () => {
  assert.deepEqual(await php("misbehaving/trap", 0), { code: 125, output: "before the trap\n" });
});

test("PHP verifies the receipt of a run with the worker's key", { skip }, async () => {
  const receipt = join(hive.dir, "receipt.json");
  const argv = ["run", "--receipt", receipt, join(modules, "reverse.wasm")];
  assert.equal((await hive.skep(argv, { input: ["Hello, World"] })).code, 0);
  const info = JSON.parse((await hive.skep(["cat", `/worker/${workers.ids[0]}/info.json`])).out);
  const script = here("../../../../lib/receipt/testdata/verify.php");
  const told = spawnSync("php", [script, info.key], { input: readFileSync(receipt), encoding: "utf8" });
  assert.equal(told.stdout, "verified\n");
});
