import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { startTestHive } from "../testing/hive.ts";

test("an evidence pack has what the hive was configured to, and its fingerprint", async () => {
  await using hive = await startTestHive();
  const { manifest } = JSON.parse((await hive.skep(["cat", "/proc/boot.json"])).out);
  const say = async (line: object, path: string) => {
    const { out, code, err } = await hive.skep(["echo", JSON.stringify(line), path, "--json"]);
    assert.equal(code, 0, err);
    return JSON.parse(out).result;
  };
  await say({ op: "publish", nodes: [{ id: "GPU-0", info: "name=Fake" }] }, "/gpu/bridge/ctl");
  await hive.skep(["gpu", "lease", "GPU-0", "--for", "1h"]);
  const { run } = await say({ op: "begin", command: "0".repeat(64) }, "/gpu/GPU-0/ctl");
  const receipt = await say({ op: "end", run, exit: 0 }, "/gpu/GPU-0/ctl");
  assert.equal(receipt.manifest, manifest);
  const pack = join(hive.dir, "pack");
  const ran = await hive.skep(["evidence", "pack", pack]);
  assert.equal(ran.code, 0, ran.err);
  const text = readFileSync(join(pack, "proc/manifest"), "utf8");
  assert.match(text, new RegExp(`^hash=${manifest}\n`));
  assert.match(text, /^telemetry\.segments=16$/m);
  assert.doesNotMatch(text, /withheld/);
  const records = readFileSync(join(pack, "journal.ndjson"), "utf8").split("\n");
  const loaded = records.filter((line) => line.includes('"manifest:loaded@1"'));
  assert.equal(loaded.length, 1);
  assert.ok(loaded[0]?.includes(`"hash":"${manifest}"`));
  const [line = ""] = readFileSync(join(pack, "receipts.ndjson"), "utf8").split("\n");
  const told = JSON.parse(line);
  assert.deepEqual([told.gpu, told.manifest, told.receipt.exit], ["GPU-0", manifest, 0]);
});
