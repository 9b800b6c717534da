import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { makeTestPlace, startTestHive } from "../testing/hive.ts";

// Neither the units nor the caches of whoever runs this.
const env = { PATH: "/nonexistent", XDG_CACHE_HOME: "/nonexistent/cache" };

test("a running daemon keeps everything where it is", async () => {
  await using hive = await startTestHive();
  const name = readFileSync(join(hive.home, "keys", "hive"), "utf8");
  const refused = await hive.skep(["uninstall", "--purge", `--confirm=${name}`], { env });
  assert.deepEqual(
    [refused.code, /already up in it \(process \d+\)\n.*kill -TERM/.test(refused.err)],
    [8, true],
    refused.err,
  );
  assert.equal(existsSync(join(hive.home, "keys", "identity")), true);
});

test("without --purge the home stays; with it the home goes after its name was said, and nothing else", async () => {
  await using hive = await startTestHive();
  await hive.skep(["context", "add", "here", "--socket", hive.at.socket]);
  const name = readFileSync(join(hive.home, "keys", "hive"), "utf8");
  await hive.stop();
  const compiled = join(hive.dir, "cache", "skep", "compiled");
  mkdirSync(compiled, { recursive: true });
  const first = await hive.skep(["uninstall"], { env: { ...env, XDG_CACHE_HOME: join(hive.dir, "cache") } });
  assert.equal(first.code, 0, first.err);
  assert.match(first.out, /Removed .*contexts\n(.*\n)*The home .* stays; --purge removes it\n$/);
  assert.deepEqual([existsSync(join(hive.dir, "config", "skep")), existsSync(compiled)], [false, false]);

  assert.equal((await hive.skep(["uninstall", "--purge"], { env })).code, 2);
  assert.equal((await hive.skep(["uninstall", "--purge", "--confirm=home"], { env })).code, 2);
  assert.equal(existsSync(join(hive.home, "keys", "identity")), true);

  const precious = join(hive.dir, "precious");
  writeFileSync(precious, "mine");
  writeFileSync(join(hive.home, "notes.txt"), "mine");
  symlinkSync(precious, join(hive.home, "receipts"));
  const purged = await hive.skep(["uninstall", "--purge"], { env, tty: true, input: [`${name}\n`] });
  assert.equal(purged.code, 0, purged.err);
  assert.match(purged.err, /notes\.txt is not of skep/);
  assert.deepEqual(
    ["keys", "hive", "blobs", "lock", "receipts", "notes.txt"].map((each) =>
      existsSync(join(hive.home, each)),
    ),
    [false, false, false, false, false, true],
  );
  assert.equal(readFileSync(precious, "utf8"), "mine");
});

test("with --home only that hive goes: contexts that lead to others stay, and so do caches", async () => {
  await using hive = await startTestHive();
  const add = (name: string, socket: string) => hive.skep(["context", "add", name, "--socket", socket]);
  await add("this", hive.at.socket);
  await add("other", join(hive.dir, "other.sock"));
  const compiled = join(hive.dir, "cache", "skep", "compiled");
  mkdirSync(compiled, { recursive: true });
  const name = readFileSync(join(hive.home, "keys", "hive"), "utf8");
  await hive.stop();
  const words = ["uninstall", "--purge", "--home", hive.home, `--confirm=${name}`];
  const gone = await hive.skep(words, { env: { ...env, XDG_CACHE_HOME: join(hive.dir, "cache") } });
  assert.equal(gone.code, 0, gone.err);
  assert.deepEqual([existsSync(hive.home), existsSync(compiled)], [false, true]);
  const { out } = await hive.skep(["context", "list", "--json"]);
  assert.deepEqual([/"other"/.test(out), /"this"/.test(out)], [true, false]);
});

test("where nothing is there nothing is made", async () => {
  await using place = makeTestPlace();
  assert.equal((await place.skep(["uninstall", "--purge"], { env })).code, 0);
  assert.equal(existsSync(place.home), false);
});
