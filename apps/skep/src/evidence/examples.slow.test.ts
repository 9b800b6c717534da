import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { startTestHive, type TestHive } from "../testing/hive.ts";

const run = promisify(execFile);
const root = new URL("../../../../", import.meta.url).pathname;
const skep = `${process.execPath} --disable-warning=ExperimentalWarning ${join(root, "apps/skep/src/main.mjs")}`;

const script = (hive: TestHive, path: string, ...args: string[]) =>
  run("sh", [join(root, "examples", path), ...args], { env: { ...process.env, ...hive.env, SKEP: skep } });

test("the nightly audit passes on a sound hive, twice, and keeps a bundle", async () => {
  await using hive = await startTestHive();
  await hive.skep(["echo", '{"spawn":"heartbeat","ticks":3}', "/queen/ctl"]);
  const keep = join(hive.dir, "keep");
  const first = await script(hive, "ci/audit.sh", keep);
  assert.match(first.stdout, /nothing impossible/);
  await hive.skep(["echo", '{"spawn":"heartbeat","ticks":3}', "/queen/ctl"]);
  const second = await script(hive, "ci/audit.sh", keep);
  assert.match(second.stdout, /continues the checkpoint of/);
  assert.ok(existsSync(join(keep, "last.checkpoint")));
  assert.equal(readdirSync(keep).filter((name) => name.endsWith(".tar")).length, 1);
});

test("a collector gets every record once, over several runs", async () => {
  await using hive = await startTestHive();
  const cursor = join(hive.dir, "cursor");
  const seqs: number[] = [];
  for (let turn = 0; turn < 3; turn += 1) {
    await hive.skep(["echo", '{"spawn":"heartbeat","ticks":3}', "/queen/ctl"]);
    const { stdout } = await script(hive, "siem/ship.sh", cursor);
    for (const line of stdout.trimEnd().split("\n")) seqs.push(JSON.parse(line).seq);
  }
  assert.deepEqual(seqs, [...seqs.keys()]);
  assert.ok(seqs.length >= 4);
  assert.equal((await script(hive, "siem/ship.sh", cursor)).stdout, "");
});
