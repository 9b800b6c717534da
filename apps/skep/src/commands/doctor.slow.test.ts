import assert from "node:assert/strict";
import { chmodSync, existsSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Finding } from "../care/finding.ts";
import { makeTestPlace, startTestHive, type TestPlace } from "../testing/hive.ts";

async function examine(place: TestPlace, env: Readonly<Record<string, string>> = {}) {
  const { code, out } = await place.skep(["doctor", "--json"], { env });
  const { findings } = JSON.parse(out) as { findings: readonly Finding[] };
  const of = (about: string) => findings.filter((each) => each.about === about);
  return { code, findings, of };
}

test("every finding that is not well has a cure, and a hive that is up is seen", async () => {
  await using hive = await startTestHive();
  const { findings, of } = await examine(hive);
  for (const { state, cure, text } of findings)
    if (state === "warning" || state === "bad") assert.ok(cure, text);
  assert.deepEqual([of("daemon")[0]?.state, of("home")[0]?.state, of("modes")[0]?.state], ["ok", "ok", "ok"]);
  assert.ok(of("sandbox").length > 0);
});

test("a home that is not there, and one that others may enter, are told apart", async () => {
  await using place = makeTestPlace();
  assert.match((await examine(place)).of("home")[0]?.cure ?? "", /skep up/);
  await using hive = await startTestHive();
  await hive.stop();
  chmodSync(hive.home, 0o755);
  const { code, of } = await examine(hive);
  assert.equal(code, 1);
  assert.match(of("home")[0]?.cure ?? "", /chmod 700/);
});

test("a stopped hive is a note, a key that others may read is bad, a torn end is told", async () => {
  await using hive = await startTestHive();
  await hive.stop();
  assert.deepEqual((await examine(hive)).of("daemon")[0]?.state, "note");
  chmodSync(join(hive.home, "keys", "log"), 0o644);
  rmSync(join(hive.home, "hive", "journal", "end"));
  const { code, of } = await examine(hive);
  assert.equal(code, 1);
  assert.match(of("modes")[0]?.cure ?? "", /chmod go= .*keys\/log$/);
  assert.match(of("journal")[0]?.text ?? "", /no clean stop/);
});

test("a journal from the future and a wrong setting are named", async () => {
  await using hive = await startTestHive();
  await hive.stop();
  const later = Date.now() / 1000 + 3600;
  utimesSync(join(hive.home, "hive", "journal", "end"), later, later);
  writeFileSync(
    join(hive.home, "skep.toml"),
    "[workers]\ncount = -3\n[compat]\nwell_known_secrets = true\n",
    {
      mode: 0o600,
    },
  );
  const { of } = await examine(hive);
  assert.equal(of("clock")[0]?.state, "bad");
  assert.equal(of("config")[0]?.state, "bad");
  assert.equal(of("secrets")[0]?.state, "warning");
});

test("a key that a home lost is named, and never replaced by another", async () => {
  await using hive = await startTestHive();
  await hive.stop();
  for (const name of ["identity", "ticket", "log", "hive"]) {
    const path = join(hive.home, "keys", name);
    const bytes = readFileSync(path);
    rmSync(path);
    const { code, err } = await hive.skep(["up", "--http", "off", "--9p", "0"]);
    assert.equal(code, 1, err);
    assert.match(err, new RegExp(`one is missing: .*/keys/${name}`));
    assert.match(err, new RegExp(`tar -xf BACKUP .* keys/${name}`));
    const { code: verified, err: verifyErr } = await hive.skep(["audit", "verify"]);
    assert.ok(verified > 0, verifyErr);
    assert.equal(existsSync(path), false, name);
    assert.deepEqual((await examine(hive)).of("keys")[0]?.state, "bad", name);
    assert.match((await hive.skep(["fsck"])).out, new RegExp(`BAD +keys +keys/${name} is not there`));
    writeFileSync(path, bytes, { mode: 0o600 });
  }
  assert.deepEqual((await examine(hive)).of("keys"), []);
});
