import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { generateIdentity, identityToRecipient } from "age-encryption";
import { readTar, writeTar } from "../care/tar.ts";
import { makeTestPlace, startTestHive, type TestHive } from "../testing/hive.ts";

let hive: TestHive;
before(async () => {
  hive = await startTestHive();
  for (let at = 0; at < 3; at += 1)
    await hive.skep(["echo", `{"spawn":"heartbeat","ticks":${at + 1}}`, "/queen/ctl"]);
  await hive.hive.storage.blobs.put(Buffer.from("honey"));
});
after(() => hive[Symbol.asyncDispose]());

const file = (name: string): string => join(hive.dir, name);

test("a backup of a running hive becomes a home whose log names the old checkpoint and goes on as another", async () => {
  const made = await hive.skep(["backup", file("a.tar")]);
  assert.equal(made.code, 0, made.err);
  assert.match(made.err, /not encrypted/);
  const names = execFileSync("tar", ["-tf", file("a.tar")])
    .toString()
    .trim()
    .split("\n");
  assert.equal(names[0], "skep-backup.json");
  assert.ok(names.includes("keys/identity"));
  await hive.skep(["echo", '{"spawn":"heartbeat","ticks":9}', "/queen/ctl"]);
  await hive.skep(["audit", "verify", "--save", file("later.checkpoint")]);
  const oldKey = (await hive.skep(["audit", "key"])).out.trim();

  const place = makeTestPlace();
  const restored = await place.skep(["restore", file("a.tar")]);
  assert.equal(restored.code, 0, restored.err);
  await using second = await startTestHive(place);
  assert.match((await second.skep(["ls", "/worker"])).out, /worker-3\//);
  assert.doesNotMatch((await second.skep(["ls", "/worker"])).out, /worker-4\//);
  const verified = await second.skep(["audit", "verify", "--json"]);
  assert.equal(verified.code, 0, verified.err);
  assert.match(JSON.parse(verified.out).origin, /\/r[0-9a-f]{8}$/);
  const [told] = (await second.skep(["audit", "cat", "--event", "kernel:restored"])).out.trim().split("\n");
  const { data } = { data: JSON.parse(told ?? "").events[0].d };
  assert.equal(data.key, oldKey);
  assert.match(data.checkpoint, /^skep\.invalid\/hive-/);
  const newKey = (await second.skep(["audit", "key"])).out.trim();
  const since = ["--since", file("later.checkpoint"), "--key", newKey, "--key", oldKey];
  assert.equal((await second.skep(["audit", "verify", ...since])).code, 2);
  assert.equal(existsSync(join(second.home, "pending.json")), false);
});

test("tickets of the old hive open the restored one", async () => {
  await hive.skep(["backup", file("b.tar"), "--quiet"]);
  const ticket = (await hive.skep(["ticket", "mint", "--role", "observer"])).out;
  const place = makeTestPlace();
  await place.skep(["restore", file("b.tar")]);
  await using second = await startTestHive(place);
  const { host, port } = second.at["9p"] ?? { host: "", port: 0 };
  const at = ["context", "add", "old", "--9p", `${host}:${port}`, "--ticket", "-"];
  await second.skep(at, { input: [ticket] });
  assert.equal((await second.skep(["ls", "/", "--context", "old"])).code, 0);
});

test("an encrypted backup opens with its identity or passphrase and with nothing else", async () => {
  const identity = await generateIdentity();
  const recipient = await identityToRecipient(identity);
  writeFileSync(file("identity"), `# a comment\n${identity}\n`, { mode: 0o600 });
  writeFileSync(file("pass"), "the bees are asleep\n", { mode: 0o600 });
  writeFileSync(file("wrong"), "the bees are awake\n", { mode: 0o600 });
  assert.equal((await hive.skep(["backup", file("c.age"), "--encrypt-to", recipient])).code, 0);
  assert.equal((await hive.skep(["backup", file("d.age"), "--passphrase-file", file("pass")])).code, 0);
  assert.ok(!readFileSync(file("c.age")).includes("keys/identity"));
  const restore = async (...words: string[]) => {
    await using place = makeTestPlace();
    const { code } = await place.skep(["restore", ...words]);
    return { code, made: existsSync(place.home) };
  };
  assert.deepEqual(await restore(file("c.age"), "--identity", file("identity")), { code: 0, made: true });
  assert.deepEqual(await restore(file("d.age"), "--passphrase-file", file("pass")), { code: 0, made: true });
  assert.deepEqual(await restore(file("d.age"), "--passphrase-file", file("wrong")), {
    code: 4,
    made: false,
  });
  assert.deepEqual(await restore(file("c.age")), { code: 4, made: false });
  assert.equal((await hive.skep(["backup", file("e.age"), "--encrypt-to", "age1nonsense"])).code, 2);
  assert.equal(existsSync(file("e.age")), false);
});

test("a backup that was changed or cut makes no home", async () => {
  await hive.skep(["backup", file("f.tar"), "--quiet"]);
  const bytes = readFileSync(file("f.tar"));
  const restore = async (changed: Buffer) => {
    writeFileSync(file("g.tar"), changed);
    await using place = makeTestPlace();
    const { code } = await place.skep(["restore", file("g.tar")]);
    return [code, existsSync(place.home)];
  };
  const flipped = (text: string) => {
    const copy = Buffer.from(bytes);
    const at = copy.indexOf(text);
    assert.ok(at > 0, text);
    copy[at] = (copy[at] ?? 0) ^ 1;
    return copy;
  };
  assert.deepEqual(await restore(flipped("honey")), [1, false]);
  assert.deepEqual(await restore(flipped('"spawn":"heartbeat"')), [1, false]);
  assert.deepEqual(await restore(flipped("keys/log")), [1, false]);
  assert.deepEqual(await restore(bytes.subarray(0, bytes.length - 4096)), [1, false]);
  assert.deepEqual(await restore(Buffer.from("nothing of ours".repeat(99))), [2, false]);
});

test("a backup with a damaged blob is restored without it when that is asked for, and names it", async () => {
  await hive.skep(["backup", file("w.tar"), "--quiet"]);
  const bytes = readFileSync(file("w.tar"));
  bytes[bytes.indexOf("honey")] = 0;
  writeFileSync(file("x.tar"), bytes);
  const digest = createHash("sha256").update("honey").digest("hex");
  await using place = makeTestPlace();
  const refused = await place.skep(["restore", file("x.tar")]);
  assert.equal(refused.code, 1);
  assert.match(refused.err, new RegExp(`a blob of the backup is damaged: "${digest}"`));
  assert.match(refused.err, /--without-damaged-blobs/);
  const restored = await place.skep(["restore", file("x.tar"), "--without-damaged-blobs"]);
  assert.equal(restored.code, 0, restored.err);
  assert.match(restored.err, new RegExp(`Left out the damaged blob ${digest}`));
  assert.equal((await place.skep(["fsck"])).code, 0);
});

test("a home that is not empty is never restored into, a file that is there never overwritten", async () => {
  await hive.skep(["backup", file("h.tar"), "--quiet"]);
  assert.equal((await hive.skep(["backup", file("h.tar")])).code, 8);
  assert.equal((await hive.skep(["restore", file("h.tar")])).code, 8);
});

test("a stopped hive is backed up too, and files outside of the home are refused", async () => {
  await using place = makeTestPlace();
  const stopped = await startTestHive(place);
  await stopped.stop();
  assert.equal((await place.skep(["backup", join(place.dir, "s.tar")])).code, 0);
  async function* evil() {
    for await (const entry of readTar(pieces(readFileSync(join(place.dir, "s.tar")))))
      yield { ...entry, name: entry.name === "keys/log" ? "../keys/log" : entry.name };
  }
  writeFileSync(file("evil.tar"), Buffer.concat(await Array.fromAsync(writeTar(evil()))));
  await using other = makeTestPlace();
  assert.equal((await other.skep(["restore", file("evil.tar")])).code, 1);
  assert.equal(existsSync(join(other.dir, "keys")), false);
});

// A byte here, a kilobyte there: readers must not depend on how bytes are cut.
async function* pieces(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0, step = 1; at < bytes.length; at += step, step = (step * 7) % 4099)
    yield bytes.subarray(at, at + step);
}
