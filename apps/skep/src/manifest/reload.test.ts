import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { startTestHive, type TestHive } from "../testing/hive.ts";

const put = ({ home }: TestHive, toml: string): void =>
  writeFileSync(join(home, "skep.toml"), toml, { mode: 0o600 });

const boot = async (hive: TestHive): Promise<Record<string, unknown>> =>
  JSON.parse((await hive.skep(["cat", "/proc/boot.json"])).out);

test("what can change while the hive runs does, through the gate, and the rest is named with what to do", async () => {
  await using hive = await startTestHive();
  const before = (await boot(hive)).manifest;
  put(
    hive,
    '[telemetry]\nsegments = 3\n[listen]\nconsole = "127.0.0.1:0"\n[retention]\noutputs_age = "3d"\n',
  );
  const ran = await hive.skep(["reload", "--json"]);
  assert.equal(ran.code, 0, ran.err);
  const told = JSON.parse(ran.out);
  assert.equal(told.state, "ok");
  assert.deepEqual(told.changed, [{ key: "telemetry.segments", from: "16", to: "3" }]);
  assert.deepEqual(told.kept, [
    { key: "listen.console", cure: "Restart the daemon" },
    { key: "retention.outputs_age", cure: "Use `skep policy retention`, which passes the gate" },
  ]);
  const { manifest } = await boot(hive);
  assert.notEqual(manifest, before);
  const { stdout } = { stdout: (await hive.skep(["cat", "/proc/manifest"])).out };
  assert.match(stdout, new RegExp(`^hash=${manifest}\n`));
  assert.match(stdout, /^telemetry\.segments=3$/m);
  // It binds at once: the fourth segment evicts the first.
  for (let at = 0; at < 4; at += 1)
    await hive.skep(["echo", '{"new":"segment","mime":"text/plain"}', "/queen/telemetry/d/ctl"]);
  const { segments } = JSON.parse((await hive.skep(["cat", "/queen/telemetry/d/latest.json"])).out);
  assert.deepEqual(
    segments.map(({ id }: { id: string }) => id),
    ["seg-000002", "seg-000003", "seg-000004"],
  );
  const journal = (await hive.skep(["audit", "cat"])).out;
  assert.match(journal, /"manifest:?\.?reloaded@1"|reloaded@1/);
});

test("a configuration with a mistake changes nothing, and every mistake is told with its place", async () => {
  await using hive = await startTestHive();
  const before = (await boot(hive)).manifest;
  put(hive, "[telemetry]\nsegments = 0\nsegmetns = 4\n");
  const ran = await hive.skep(["reload", "--json"]);
  assert.equal(ran.code, 2, ran.err);
  const { state, problems } = JSON.parse(ran.out);
  assert.equal(state, "refused");
  assert.deepEqual(
    problems.map(({ code }: { code: string }) => code),
    ["config.unknown", "config.value"],
  );
  assert.match(
    problems[1].message,
    /^Cannot use telemetry\.segments from \$SKEP_HOME\/skep\.toml line 2, 0:/,
  );
  assert.equal((await boot(hive)).manifest, before);
});

test("whoever may not write the control reloads nothing", async () => {
  await using hive = await startTestHive();
  const minted = await hive.skep(["ticket", "mint", "--role", "observer", "--subject", "ann"]);
  const ticket = join(hive.dir, "ann.ticket");
  writeFileSync(ticket, minted.out, { mode: 0o600 });
  const at = `127.0.0.1:${hive.at["9p"]?.port}`;
  await hive.skep(["context", "add", "ann", "--9p", at, "--ticket", ticket]);
  const ran = await hive.skep(["--context", "ann", "reload"]);
  assert.equal(ran.code, 4, ran.err);
  assert.match((await hive.skep(["cat", "/queen/manifest/status"])).out, /^state=idle /);
});

test("a client that was made for another manifest goes no further", async () => {
  await using hive = await startTestHive();
  const file = join(hive.dir, "client.json");
  const { manifest, ...made } = JSON.parse((await hive.skep(["manifest", "client"])).out);
  const told = (await boot(hive)).manifest;
  writeFileSync(file, JSON.stringify({ ...made, manifest: told }));
  assert.equal((await hive.skep(["ls", "/"], { env: { SKEP_MANIFEST: file } })).code, 0);
  writeFileSync(file, JSON.stringify({ ...made, manifest: "0".repeat(64) }));
  const refused = await hive.skep(["ls", "/"], { env: { SKEP_MANIFEST: file } });
  assert.equal(refused.code, 8, refused.err);
  assert.match(
    refused.err,
    /^skep: Cannot go on: the hive is configured otherwise than this client was made for/,
  );
  assert.match(refused.err, /[0-9a-f]{16}…, not 0{16}…/);
  const damaged = await hive.skep(["ls", "/"], { env: { SKEP_MANIFEST: join(hive.dir, "none") } });
  assert.equal(damaged.code, 2);
});
