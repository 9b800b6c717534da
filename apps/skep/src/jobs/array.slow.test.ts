import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { type Daemon, startDaemon } from "../testing/daemon.ts";

const main = fileURLToPath(new URL("../main.mjs", import.meta.url));
const modules = fileURLToPath(new URL("../../../../examples/modules", import.meta.url));
const module = (name: string): string => join(modules, `${name}.wasm`);

let dir = "";
let hive: Daemon;

before(async () => {
  dir = mkdtempSync(join(tmpdir(), "skep-array-"));
  hive = await startDaemon(join(dir, "home"), { args: ["--workers", "2"] });
});
after(async () => {
  await hive[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true, force: true });
});

async function skep(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const all = ["--disable-warning=ExperimentalWarning", main, "--home", hive.home, ...args];
  const child = spawn(process.execPath, all, { stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  let err = "";
  child.stdout.on("data", (bytes: Buffer) => (out += bytes));
  child.stderr.on("data", (bytes: Buffer) => (err += bytes));
  const [code] = await once(child, "close");
  return { code, out, err };
}

test("an array of 1,000 lines is one command; outputs come in the order of the lines", async () => {
  const lines = join(dir, "lines.txt");
  writeFileSync(lines, Array.from({ length: 1000 }, (_, at) => `line ${at}\n`).join(""));
  const { code, out, err } = await skep("run", "--lines", lines, module("reverse"));
  assert.equal(code, 0, err);
  const expected = Array.from({ length: 1000 }, (_, at) => [...`line ${at}`].reverse().join(""));
  assert.deepEqual(out.trimEnd().split("\n"), expected);
  assert.match(err, /array \d+: 1000 of 1000 ended well \(1000 exit 0\)/);
});

test("files of an array go to a folder, long ones too, and who fails is told and gives exit code 5", async () => {
  const folder = join(dir, "in");
  mkdirSync(folder);
  const long = "x".repeat(50_000);
  for (const [name, text] of Object.entries({ a: "abc", b: long })) writeFileSync(join(folder, name), text);
  const to = join(dir, "out");
  const files = ["a", "b"].map((name) => join(folder, name));
  const good = await skep("run", "--array", "--output", to, module("reverse"), ...files);
  assert.equal(good.code, 0, good.err);
  assert.deepEqual(
    ["a", "b"].map((name) => readFileSync(join(to, `${name}.out`), "utf8").trimEnd()),
    ["cba", long],
  );
  const bad = await skep("run", "--array", "--json", module("misbehaving/exit3"), ...files);
  const rows = bad.out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual([bad.code, rows.length, rows[0].exit, rows[0].verified], [5, 3, 3, true]);
  assert.deepEqual([rows[2].total, rows[2].good, rows[2].ways], [2, 0, { "exit 3": 2 }]);
});

test("jobs of a file run each after those that it needs; one that fails stops those that need it", async () => {
  const path = join(dir, "dag.toml");
  const job = (name: string, text: string) => `[jobs.${name}]\n${text}\n`;
  writeFileSync(join(dir, "words"), "one two\n");
  const text = [
    job("count", `module = "${module("wc")}"\nstdin_from = "turn"`),
    job("turn", `module = "${module("reverse")}"\nstdin = "words"`),
    job("bad", `module = "${module("misbehaving/exit3")}"`),
    job("never", `module = "${module("wc")}"\nneeds = ["bad", "turn"]`),
  ];
  writeFileSync(path, text.join(""));
  const { code, out, err } = await skep("run", "--dag", path);
  assert.equal(code, 5, err);
  assert.match(out, /^\s*1\s+2\s+8\s*$/);
  // Whether "bad" has ended by the time that "never" is handed in is a race, whose two ends are told alike.
  assert.match(err, /never (\(job \d+\) failed: job \d+|was not begun: bad) did not end well/);
  assert.match(err, /2 of 4 jobs ended well/);
});
