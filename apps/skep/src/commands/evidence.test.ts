import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { homeSecrets } from "../evidence/collect.ts";
import { startTestHive, type TestHive } from "../testing/hive.ts";

let hive: TestHive;
before(async () => {
  hive = await startTestHive();
  for (let at = 0; at < 5; at += 1)
    await hive.skep(["echo", '{"spawn":"heartbeat","ticks":3}', "/queen/ctl"]);
  await hive.skep(["echo", '{"kill":"worker-1"}', "/queen/ctl"]);
});
after(() => hive[Symbol.asyncDispose]());

const file = (name: string): string => join(hive.dir, name);
const skep = async (...argv: string[]): Promise<string> => {
  const { code, out, err } = await hive.skep(argv);
  assert.equal(code, 0, err);
  return out;
};

function allOf(dir: string): Map<string, string> {
  const entries = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return new Map(
    entries.map((entry) => [
      join(entry.parentPath, entry.name).slice(dir.length),
      readFileSync(join(entry.parentPath, entry.name), "utf8"),
    ]),
  );
}

test("two packs of one state are the same, byte for byte, and verify to the same root and page", async () => {
  const made = JSON.parse(await skep("evidence", "pack", file("one"), "--json"));
  await skep("evidence", "pack", file("two"));
  assert.deepEqual(allOf(file("one")), allOf(file("two")));
  const verified = JSON.parse(await skep("evidence", "verify", file("one"), "--json"));
  assert.deepEqual([verified.root, verified.page], [made.root, made.page]);
  const page = readFileSync(join(file("one"), "evidence.html"));
  assert.equal(createHash("sha256").update(page).digest("hex"), verified.page);
  const key = (await skep("audit", "key")).trim();
  assert.equal(
    JSON.parse(await skep("evidence", "verify", file("one"), "--key", key, "--json")).trusted,
    true,
  );
  assert.match(
    await skep("evidence", "diff", file("one"), file("two")),
    /^0 records only in the first, 0 only/,
  );
});

test("no secret of the home is in a pack, in no form", async () => {
  await skep("evidence", "pack", file("three"));
  const secrets = homeSecrets(hive.home);
  assert.ok(secrets.length > 10);
  for (const [name, text] of allOf(file("three")))
    for (const secret of secrets) assert.ok(!text.toLowerCase().includes(secret.toLowerCase()), name);
});

test("a bundle is a tar of the same files, and a changed one is refused", async () => {
  const { root } = JSON.parse(await skep("evidence", "bundle", file("case.tar"), "--json"));
  assert.equal(JSON.parse(await skep("evidence", "verify", file("case.tar"), "--json")).root, root);
  const bytes = readFileSync(file("case.tar"));
  const at = bytes.indexOf("heartbeat");
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(file("forged.tar"), bytes);
  assert.equal((await hive.skep(["evidence", "verify", file("forged.tar")])).code, 1);
  assert.equal((await hive.skep(["evidence", "pack", file("case.tar")])).code, 8);
});

test("a timeline is told from a cursor on, and as a table", async () => {
  const lines = (await skep("evidence", "timeline", "--from", "3")).trimEnd().split("\n");
  assert.equal(JSON.parse(lines[0] ?? "").seq, 3);
  assert.equal(JSON.parse(lines[0] ?? "").act, "spawn");
  assert.match(await skep("evidence", "timeline", "--markdown"), /^\| record \| time/);
});

test("a sound log has nothing impossible, and a pack from the middle either", async () => {
  assert.match(await skep("evidence", "inspect"), /nothing impossible/);
  await skep("evidence", "pack", file("middle"), "--from", "3", "--to", "4");
  assert.match(await skep("evidence", "inspect", file("middle")), /^2 records, nothing impossible/);
  assert.equal((await hive.skep(["evidence", "pack", file("far"), "--to", "9999"])).code, 3);
});

test("what came since a pack is told, and a pack is made of a home whose hive is down", async () => {
  await hive.skep(["echo", '{"spawn":"heartbeat","ticks":3}', "/queen/ctl"]);
  const since = await hive.skep(["evidence", "diff", file("one"), "live", "--json"]);
  assert.equal(since.code, 8);
  assert.ok(JSON.parse(since.out.split("\n")[0] ?? "").onlySecond.length >= 1);
  await hive.stop();
  await skep("evidence", "pack", file("down"), "--offline");
  assert.ok(JSON.parse(await skep("evidence", "verify", file("down"), "--json")).verified);
});
