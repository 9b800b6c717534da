import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { makeTestPlace } from "../testing/hive.ts";

const manifest = async (toml: string, ...words: string[]) => {
  await using place = makeTestPlace();
  const file = join(place.dir, "m.toml");
  writeFileSync(file, toml, { mode: 0o600 });
  return place.skep(["manifest", ...words, "--config", file]);
};

test("the hash is that of the canonical form, whatever the order and the units are", async () => {
  const one = '[telemetry]\nsegments = 4\nring_size = "32KiB"\n[listen]\nconsole = "on"\n';
  const other = '[listen]\nconsole = "127.0.0.1:31337"\n[telemetry]\nring_size = 32768\nsegments = 4\n';
  const { out } = await manifest(one, "resolve");
  assert.equal((await manifest(other, "resolve")).out, out);
  const hash = createHash("sha256").update(out.trimEnd()).digest("hex");
  assert.equal((await manifest(one, "hash")).out, `${hash}\n`);
  const { settings, secrets, schema } = JSON.parse(out);
  assert.equal(schema, "skep-manifest/v1");
  assert.deepEqual(settings["listen.console"], { host: "127.0.0.1", port: 31337 });
  assert.equal(settings["telemetry.ring_size"], 32768);
  assert.equal(secrets["console.token"], "home");
  assert.notEqual((await manifest("[telemetry]\nsegments = 5\n", "hash")).out, `${hash}\n`);
});

test("no secret is in a manifest, only that there is one", async () => {
  const { out } = await manifest('[console]\ntoken = "a-secret-of-mine-0123"\n', "resolve");
  assert.doesNotMatch(out, /a-secret-of-mine/);
  assert.equal(JSON.parse(out).secrets["console.token"], "given");
});

test("a red line is refused with its place and its cure", async () => {
  const ran = await manifest("[disk]\nstop_percent = 20\n", "check");
  assert.equal(ran.code, 2);
  assert.match(
    ran.out,
    /^refused: Cannot use disk\.stop_percent from .*m\.toml line 2: disk\.stop_percent is above/,
  );
  assert.match(ran.out, /\n {2}Make disk\.warn_percent the larger one\n/);
  const told = JSON.parse((await manifest("[disk]\nstop_percent = 20\n", "check", "--json")).out);
  assert.deepEqual([told.ok, told.hash, told.problems[0].code], [false, null, "config.together"]);
  const good = JSON.parse((await manifest("", "check", "--json")).out);
  assert.equal(good.ok, true);
  assert.equal(`${good.hash}\n`, (await manifest("", "hash")).out);
});

test("a client's file has what the manifest says to clients, and its fingerprint", async () => {
  const toml = '[client]\ntelemetry_sessions = 4\nretry_wait = "250ms"\n';
  const made = JSON.parse((await manifest(toml, "client")).out);
  assert.equal(`${made.manifest}\n`, (await manifest(toml, "hash")).out);
  assert.deepEqual(made.sessions, { control: 2, telemetry: 4 });
  assert.deepEqual(made.retry, { times: 3, wait_ms: 250, most_ms: 2000 });
});
