import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../..", import.meta.url));
const readme = readFileSync(join(root, "README.md"), "utf8");

/** The lines of the tour, with `npx skep` as the program itself: what npm adds to it is not ours to test. */
function tourLines(): string[] {
  const block = /```sh tour\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
  return block.split("\n").filter((line) => line.trim() !== "");
}

const expected: readonly (readonly [command: string, output: RegExp])[] = [
  ["ls /", /^audit\/$/m],
  ["reverse.wasm", /^dlroW ,olleH$/],
  ["wc.wasm", /^ *\d+ +\d+ +\d+\n$/],
  ["skep verify", /^verified/],
  ["skep jobs", /wc|done/],
  ["skep echo", /^ok \d+ \{"worker":"worker-1"\}\n$/],
  ["skep tail", /^\[hive\] spawned worker-1$/m],
  ["/audit/checkpoint", /^skep\.invalid\/hive-/],
  ["/at/8/worker", /./],
  ["ticket mint", /^$/],
];

test("the tour of the README works as written", async () => {
  const home = mkdtempSync(join(tmpdir(), "skep-tour-"));
  const env = { ...process.env, SKEP_HOME: home, NO_COLOR: "1" };
  const program = [
    process.execPath,
    "--disable-warning=ExperimentalWarning",
    join(root, "apps/skep/src/main.mjs"),
  ];
  const [node = "", ...args] = program;
  const hive = spawn(node, [...args, "up", "--http", "0", "--9p", "0", "--json"], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    await new Promise<void>((resolve, reject) => {
      hive.stdout.once("data", () => resolve());
      hive.once("exit", (code) => reject(new Error(`up ended with ${code}`)));
    });
    const lines = tourLines();
    assert.equal(lines.length, expected.length);
    for (const [at, line] of lines.entries()) {
      const [command, output] = expected[at] ?? ["", /^$/];
      assert.ok(line.includes(command), line);
      const script = line.replaceAll("npx skep", program.map((word) => `'${word}'`).join(" "));
      const ran = spawnSync("sh", ["-c", script], { cwd: root, env, encoding: "utf8" });
      assert.equal(ran.status, 0, `${line}\n${ran.stderr}`);
      assert.match(ran.stdout, output, line);
    }
  } finally {
    hive.removeAllListeners("exit");
    const ended = new Promise((resolve) => hive.once("exit", resolve));
    hive.kill("SIGTERM");
    await ended;
    rmSync(home, { recursive: true, force: true });
  }
});
