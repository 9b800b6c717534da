import assert from "node:assert/strict";
import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startTestHive, type TestHive } from "../testing/hive.ts";

let hive: TestHive;
before(async () => {
  hive = await startTestHive();
});
after(() => hive[Symbol.asyncDispose]());

const at = () => {
  const { host, port } = hive.at["9p"] ?? { host: "", port: 0 };
  return `${host}:${port}`;
};

test("a context with an expired ticket is added and warned of", async () => {
  const { out } = await hive.skep(["ticket", "mint", "--role", "observer", "--expires", "1ms"]);
  const words = ["context", "add", "late", "--9p", "127.0.0.1:5640", "--ticket", "-"];
  const { code, err } = await hive.skep(words, { input: [out] });
  assert.equal(code, 0);
  assert.match(err, /the ticket of late expired at 20/);
});

test("another person is let in by one line, and acts under their own name", async () => {
  const added = await hive.skep(["user", "add", "ann", "--right", "/queen:rw", "--right", "/proc:read"], {});
  assert.equal(added.code, 0, added.err);
  assert.match(added.out, /^skep-user-[\w-]+\n$/);
  const kept = await hive.skep(["context", "add", "lab", "--from", "-"], { input: [added.out] });
  assert.equal(kept.code, 0, kept.err);
  assert.equal((await hive.skep(["ls", "/", "--context", "lab"])).out, "proc/\nqueen/\n");
  const spawned = await hive.skep([
    "--context",
    "lab",
    "echo",
    '{"spawn":"heartbeat","ticks":3}',
    "/queen/ctl",
  ]);
  assert.equal(spawned.code, 0);
  const records = (await hive.skep(["cat", "/trace/events"])).out;
  assert.match(records, /queen:spawned@1/);
  const ticket = join(hive.dir, "config", "skep", "contexts", "lab.ticket");
  assert.equal(statSync(ticket).mode & 0o777, 0o600);
});

test("a context in use is what commands mean, unless a home is named", async () => {
  await hive.skep(["context", "add", "socket", "--socket", hive.at.socket]);
  await hive.skep(["context", "add", "nowhere", "--socket", join(hive.dir, "none.sock"), "--use"]);
  const env = { SKEP_HOME: "" };
  assert.equal((await hive.skep(["ls", "/"], { env })).code, 10);
  assert.equal((await hive.skep(["ls", "/", "--home", hive.home], { env })).code, 0);
  assert.equal((await hive.skep(["ls", "/"], { env: { ...env, SKEP_CONTEXT: "socket" } })).code, 0);
  assert.equal((await hive.skep(["ls", "/", "--home", hive.home, "--context", "socket"])).code, 2);
  assert.match((await hive.skep(["context", "list"])).out, /^\* +nowhere/m);
  assert.equal((await hive.skep(["context", "remove", "nowhere"])).code, 0);
  assert.equal((await hive.skep(["context", "use"])).out, "none\n");
});

test("a context that is not there, taken, or without a place is refused", async () => {
  assert.equal((await hive.skep(["ls", "/", "--context", "gone"])).code, 3);
  assert.equal((await hive.skep(["context", "remove", "gone"])).code, 3);
  assert.equal((await hive.skep(["context", "add", "x"])).code, 2);
  assert.equal((await hive.skep(["context", "add", "../x", "--socket", "/s"])).code, 2);
  assert.equal((await hive.skep(["context", "add", "x", "--9p", at()])).code, 2);
  await hive.skep(["context", "add", "x", "--socket", "/s"]);
  assert.equal((await hive.skep(["context", "add", "x", "--socket", "/t"])).code, 8);
  writeFileSync(join(hive.dir, "config", "skep", "contexts", "x.json"), "{");
  assert.match((await hive.skep(["ls", "/", "--context", "x"])).err, /Cannot read context: "x"/);
});

test("names of contexts are completed", async () => {
  await hive.skep(["context", "add", "meadow", "--socket", "/s"]);
  assert.match((await hive.skep(["__complete", "--", "ls", "--context", "mea"])).out, /^meadow\t/);
});
