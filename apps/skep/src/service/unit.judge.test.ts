import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { makeTestPlace } from "../testing/hive.ts";

const absent = spawnSync("systemd-analyze", ["--version"]).error
  ? "systemd-analyze is not installed"
  : undefined;

async function printed(args: readonly string[]): Promise<string> {
  await using place = makeTestPlace();
  const { code, out, err } = await place.skep(["service", "install", "--print", ...args]);
  assert.equal(code, 0, err);
  return out;
}

function analyze(unit: string, words: readonly string[]): { code: number | null; text: string } {
  const dir = mkdtempSync(join(tmpdir(), "skep-unit-"));
  try {
    const file = join(dir, "skep.service");
    writeFileSync(file, unit);
    const env = { ...process.env, SYSTEMD_COLORS: "0", XDG_RUNTIME_DIR: dir };
    const { status, stdout, stderr } = spawnSync("systemd-analyze", [...words, file], {
      encoding: "utf8",
      env,
    });
    return { code: status, text: stdout + stderr };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

const system = ["--system", "--as", "daemon", "--home", "/var/lib/skep"];

test("systemd finds nothing to complain about in either unit", { skip: absent }, async () => {
  for (const [args, words] of [
    [system, ["verify"]],
    [[], ["--user", "verify"]],
  ] as const) {
    const { code, text } = analyze(await printed(args), words);
    const ours = text.split("\n").filter((line) => line.includes("skep"));
    assert.deepEqual([code, ours], [0, []], text);
  }
});

// 10 is worst. What is left is what bubblewrap and V8 need, and the network; the user unit is judged as if root ran it.
for (const [name, args, most] of [
  ["system", system, 36],
  ["user", [], 69],
] as const)
  test(`the ${name} unit is exposed by less than ${most / 10}`, { skip: absent }, async (t) => {
    const { code, text } = analyze(await printed(args), [
      "security",
      "--offline=true",
      `--threshold=${most}`,
    ]);
    t.diagnostic(text.trim().split("\n").at(-1) ?? "");
    assert.equal(code, 0, text);
  });
