import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startTestHive, type TestHive } from "../testing/hive.ts";

let hive: TestHive;
before(async () => {
  hive = await startTestHive();
});
after(() => hive[Symbol.asyncDispose]());

const file = (name: string, text: string | Buffer): string => {
  const path = join(hive.dir, name);
  writeFileSync(path, text);
  return path;
};
const ask = async (...words: string[]) => {
  const { code, out, err } = await hive.skep(["telemetry", ...words, "--json"]);
  assert.equal(code, 0, err + out);
  return JSON.parse(out);
};

test("a push that is done again pushes nothing, and a pull that is done again moves no byte", async () => {
  const path = file("one.txt", "alpha\nbeta\ngamma\n");
  assert.deepEqual(await ask("push", path, "--device", "d1"), { device: "d1", records: 3, pushed: 3 });
  assert.equal((await ask("push", path, "--device", "d1")).pushed, 0);
  const to = join(hive.dir, "pulled");
  const first = await ask("pull", "d1", "--to", to);
  assert.deepEqual([first.segments, first.bytes > 0], [1, true]);
  const kept = readFileSync(join(to, "d1", "seg-000001"), "utf8");
  assert.deepEqual(
    kept
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).payload),
    ["alpha", "beta", "gamma"],
  );
  await hive.skep(["echo", '{"seal":"segment"}', "/queen/telemetry/d1/ctl"]);
  const again = await ask("pull", "d1", "--to", to);
  assert.equal(again.bytes, 0);
  writeFileSync(join(to, "d1", "seg-000001"), "forged");
  assert.equal((await ask("pull", "d1", "--to", to)).verified, 1);
  assert.equal(readFileSync(join(to, "d1", "seg-000001"), "utf8"), kept);
  const { anchored, records } = await ask("explain", "d1");
  assert.deepEqual([anchored, records.map(({ seq }: { seq: number }) => seq)], ["yes", [1, 2, 3]]);
});

test("what needs more room than a segment has goes into as many as it needs", async () => {
  const lines = Array.from({ length: 400 }, (_, at) => `${at} ${"x".repeat(1000)}`);
  const path = file("many.txt", `${lines.join("\n")}\n`);
  assert.equal((await ask("push", path, "--device", "d2")).pushed, 400);
  const rows = await ask("status", "d2");
  assert.deepEqual(
    rows.map(({ id }: { id: string }) => id),
    ["seg-000001", "seg-000002"],
  );
  const to = join(hive.dir, "pulled");
  await ask("pull", "d2", "--to", to);
  const all = ["seg-000001", "seg-000002"].flatMap((id) =>
    readFileSync(join(to, "d2", id), "utf8")
      .trimEnd()
      .split("\n"),
  );
  assert.deepEqual(
    all.map((line) => JSON.parse(line).payload),
    lines,
  );
});

test("a spool keeps what the hive cannot take, and forwards it once", async () => {
  const spool = join(hive.dir, "spool");
  const quiesce = (word: string) => hive.skep(["echo", word, "/queen/lifecycle/ctl"]);
  assert.equal((await quiesce("quiesce")).code, 0);
  const path = file("spooled.txt", "one\ntwo\n");
  const told = await ask("push", path, "--device", "d3", "--spool", spool);
  assert.deepEqual([told.spooled, told.forwarded, told.waiting], [2, 0, 2]);
  assert.equal((await ask("status", "--spool", spool)).waiting, 2);
  assert.equal((await quiesce("resume")).code, 0);
  assert.equal((await ask("forward", "--device", "d3", "--spool", spool)).forwarded, 2);
  assert.equal((await ask("forward", "--device", "d3", "--spool", spool)).forwarded, 0);
  const { records } = await ask("explain", "d3");
  assert.deepEqual(
    records.map(({ shows }: { shows: string }) => shows),
    ["one", "two"],
  );
});

test("an artifact travels by its chunks, and comes back byte for byte", async () => {
  const bytes = Buffer.alloc(9 * 1024 * 1024);
  for (let at = 0; at < bytes.length; at += 4) bytes.writeUInt32LE((at * 2654435761) >>> 0, at);
  const path = file("scan.bin", bytes);
  const told = await ask("push", path, "--device", "d4", "--reference");
  assert.deepEqual([told.bytes, told.pushed], [bytes.length, 1]);
  assert.equal((await ask("push", path, "--device", "d4", "--reference")).pushed, 0);
  const to = join(hive.dir, "pulled");
  const { artifacts } = await ask("pull", "d4", "--to", to, "--artifacts");
  assert.ok(readFileSync(artifacts[0]).equals(bytes));
  writeFileSync(artifacts[0], bytes.subarray(0, 8 * 1024 * 1024 + 5));
  const resumed = await ask("pull", "d4", "--to", to, "--artifacts");
  assert.equal(resumed.bytes, 1024 * 1024);
  assert.ok(readFileSync(artifacts[0]).equals(bytes));
});

test("a segment is followed while it grows, and tells its cursor, though its name is none that was there at start", async () => {
  await ask("push", file("grow.txt", "first\n"), "--device", "grown");
  const path = "/queen/telemetry/grown/seg/seg-000001";
  const told = await hive.skep(["cat", `${path}.json`]);
  assert.equal(JSON.parse(told.out).base, 0, told.err);
  const { io, done } = hive.start(["tail", "-f", path]);
  const shows = async (word: string) => {
    while (!io.out().includes(word)) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  await shows("first");
  await ask("push", file("grow-2.txt", "first\nsecond\n"), "--device", "grown");
  await shows("second");
  io.kill("SIGINT");
  await done;
  assert.equal((await hive.skep(["cat", "/queen/telemetry/grown/seg/seg-000009.json"])).code, 3);
});
