import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { makeTestPlace, startTestHive, type TestHive } from "../testing/hive.ts";

let hive: TestHive;
before(async () => {
  hive = await startTestHive();
  for (let at = 0; at < 4; at += 1)
    await hive.skep(["echo", `{"spawn":"heartbeat","ticks":${at + 1}}`, "/queen/ctl"]);
  await hive.skep(["echo", '{"kill":"worker-99"}', "/queen/ctl"]);
});
after(() => hive[Symbol.asyncDispose]());

const file = (name: string): string => join(hive.dir, name);
const key = async () => (await hive.skep(["audit", "key"])).out.trim();

test("a log is verified online and from its home, and both tell the same root", async () => {
  const verified = async (...flags: string[]) =>
    JSON.parse((await hive.skep(["audit", "verify", "--json", ...flags])).out);
  let [online, offline] = [await verified(), await verified("--offline")];
  // A live hive may write a record of its own between the two.
  if (online.size !== offline.size) [online, offline] = [await verified(), await verified("--offline")];
  assert.equal(online.verified, true);
  assert.ok(online.size > 4);
  assert.deepEqual(offline, online);
});

test("a log continues a checkpoint that was saved, and another log does not", async () => {
  await hive.skep(["audit", "verify", "--save", file("old.checkpoint")]);
  await hive.skep(["echo", '{"spawn":"heartbeat","ticks":9}', "/queen/ctl"]);
  const since = await hive.skep(["audit", "verify", "--since", file("old.checkpoint")]);
  assert.equal(since.code, 0, since.err);
  assert.match(since.out, /continues the checkpoint of \d+ records/);
  await using other = await startTestHive();
  const key = (await other.skep(["audit", "key"])).out.trim();
  const ours = (await hive.skep(["audit", "key"])).out.trim();
  const wrong = await other.skep([
    "audit",
    "verify",
    "--since",
    file("old.checkpoint"),
    "--key",
    key,
    "--key",
    ours,
  ]);
  assert.equal(wrong.code, 2);
});

test("a log signed by another key is refused", async () => {
  await using other = await startTestHive();
  const foreign = (await other.skep(["audit", "key"])).out.trim();
  const { code, out } = await hive.skep(["audit", "verify", "--key", foreign]);
  assert.notEqual(code, 0);
  assert.equal(out, "");
});

test("cat prints records as they were hashed, filtered", async () => {
  const all = (await hive.skep(["audit", "cat"])).out.trimEnd().split("\n");
  assert.deepEqual(
    all.map((line) => JSON.parse(line).seq),
    all.map((_, at) => at),
  );
  const spawned = (
    await hive.skep(["audit", "cat", "--event", "queen:spawned", "--to", String(all.length - 1)])
  ).out;
  for (const line of spawned.trimEnd().split("\n")) assert.equal(JSON.parse(line).path, "/queen/ctl");
  const some = (await hive.skep(["audit", "cat", "--from", "1", "--to", "2"])).out;
  assert.equal(some.trimEnd().split("\n").length, 2);
  assert.equal((await hive.skep(["audit", "cat", "--path", "/jobs"])).out, "");
  assert.equal((await hive.skep(["audit", "cat", "--from", "9999", "--to", "10000"])).code, 3);
});

test("an exported log verifies without the hive, whole or in part, and not when a byte was changed", async () => {
  await using elsewhere = makeTestPlace();
  for (const [name, range] of [
    ["whole.jsonl", []],
    ["part.jsonl", ["--from", "2", "--to", "4"]],
  ] as const) {
    assert.equal((await hive.skep(["audit", "export", file(name), ...range])).code, 0);
    const good = await elsewhere.skep(["audit", "verify", file(name), "--key", await key()]);
    assert.equal(good.code, 0, good.err);
    const text = readFileSync(file(name), "utf8");
    writeFileSync(file("bad.jsonl"), text.replace(/"epoch":1/, '"epoch":2'));
    assert.equal(
      (await elsewhere.skep(["audit", "verify", file("bad.jsonl"), "--key", await key()])).code,
      1,
    );
    writeFileSync(file("cut.jsonl"), text.replace(/[^\n]+\n$/, ""));
    assert.equal(
      (await elsewhere.skep(["audit", "verify", file("cut.jsonl"), "--key", await key()])).code,
      1,
    );
  }
  assert.equal((await elsewhere.skep(["audit", "verify", file("whole.jsonl")])).code, 2);
  assert.equal(
    (await elsewhere.skep(["audit", "cat", file("part.jsonl"), "--from", "3", "--to", "3"])).code,
    0,
  );
});

test("a proof is a C2SP tlog-proof, the same online and offline", async () => {
  const online = await hive.skep(["audit", "proof", "3"]);
  assert.match(online.out, /^c2sp.org\/tlog-proof@v1\nindex 3\n/);
  assert.equal((await hive.skep(["audit", "proof", "3", "--offline"])).out, online.out);
  assert.equal((await hive.skep(["audit", "proof", "9999"])).code, 3);
});

test("the log of a context is verified with its own key, never with that of this machine's hive", async () => {
  const { host, port } = hive.at["9p"] ?? { host: "", port: 0 };
  const ticket = (await hive.skep(["ticket", "mint", "--role", "observer"])).out;
  await hive.skep(["context", "add", "far", "--9p", `${host}:${port}`, "--ticket", "-"], { input: [ticket] });
  const far = ["--context", "far", "audit", "verify"];
  const without = await hive.skep(far);
  assert.equal(without.code, 2);
  assert.match(without.err, /skep audit key/);
  assert.equal((await hive.skep([...far, "--key", await key()])).code, 0);
});
