import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startTestHive, type TestHive } from "../testing/hive.ts";
import { modes } from "./suites.ts";

let hive: TestHive;
before(async () => {
  hive = await startTestHive();
});
after(() => hive[Symbol.asyncDispose]());

const run = async (text: string, ...more: string[]) => {
  const path = join(hive.dir, "script.coh");
  writeFileSync(path, text);
  return hive.skep(["script", path, ...more]);
};

for (const mode of modes)
  test(`the hive passes its own suite: ${mode}`, async () => {
    const { code, out, err } = await hive.skep(["test", "--mode", mode, "--json"]);
    const told = JSON.parse(out);
    const failed = told.checks.filter(({ result }: { result: string }) => result === "failed");
    assert.deepEqual([code, told.ok, told.mode, failed], [0, true, mode, []], err);
    assert.ok(told.checks.length >= 9 && told.elapsed_ms >= 0 && typeof told.version === "string");
  });

test("without mutation nothing is written, and what is left out says so", async () => {
  const before = (await hive.skep(["cat", "/log/queen.log"])).out;
  const { out } = await hive.skep(["test", "--mode", "full", "--no-mutate", "--json"]);
  const { ok, checks } = JSON.parse(out);
  assert.equal(ok, true);
  assert.ok(checks.some(({ result }: { result: string }) => result === "skipped"));
  assert.equal((await hive.skep(["cat", "/log/queen.log"])).out, before);
});

test("a script of the original's grammar passes, and one that expects what is not so fails with its line", async () => {
  const good = await run(
    'attach queen\nEXPECT OK\necho "batch-1" > /log/queen.log  # a comment\nEXPECT OK\ncat /log/queen.log\nEXPECT SUBSTR batch-1\nWAIT 10\nls /nope\nEXPECT ERR\nquit\nEXPECT OK\n',
  );
  assert.deepEqual([good.code, good.err], [0, ""]);
  const bad = await run("attach queen\n\nping\nEXPECT ERR\n", "--json");
  assert.equal(bad.code, 1);
  assert.deepEqual(JSON.parse(bad.out), {
    pass: false,
    line: 4,
    why: 'expected ERR, the response was "OK PING reply=pong"',
  });
});

test("a suite that does not end is given up, and an unknown one is refused", async () => {
  assert.equal((await hive.skep(["test", "--mode", "smp"])).code, 2);
  assert.equal((await hive.skep(["test", "--mode", "full", "--timeout", "1ms"])).code, 7);
});

test("what the original's client does by itself is done: a pool with a broken write, a push, a suite, a look at the line", async () => {
  const file = join(hive.dir, "readings.txt");
  writeFileSync(file, "one\ntwo\n");
  const wide = join(hive.dir, "wide.txt");
  writeFileSync(wide, "x".repeat(5000));
  const text = `attach queen
pool bench path=/log/queen.log ops=64 batch=8 payload_bytes=16 kind=telemetry inject_failures=2 exhaust=1
EXPECT OK
EXPECT SUBSTR ops=64 of=64
EXPECT SUBSTR retries=2
pool bench ops=8 batch=4 kind=control path=/nope
EXPECT ERR
telemetry push ${file} --device probe-7
EXPECT OK
EXPECT SUBSTR segment=seg-000001 records=2
telemetry push ${file} --device probe-7
EXPECT SUBSTR segment=seg-000002
telemetry push ${wide} --device probe-7
EXPECT ERR
EXPECT SUBSTR oversize
cat /queen/telemetry/probe-7/seg/seg-000001
EXPECT OK
test --mode quick
EXPECT OK
tcp-diag
EXPECT OK
ping
EXPECT OK
quit
EXPECT OK
`;
  const ran = await run(text, "--transcript");
  assert.equal(ran.code, 0, ran.out + ran.err);
  const log = (await hive.skep(["cat", "/log/queen.log"])).out
    .split("\n")
    .filter((line) => line.startsWith("poolxxxxxxxxxxxx-"));
  assert.deepEqual([log.length, new Set(log).size], [64, 64]);
  const bad = await run("attach queen\npool bench ops=many\n");
  assert.match(bad.out, /FAIL .*:2 Cannot run pool bench with this/);
});
