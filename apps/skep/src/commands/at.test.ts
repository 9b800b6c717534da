import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startTestHive, type TestHive } from "../testing/hive.ts";
import { momentName } from "./at.ts";

let hive: TestHive;
before(async () => {
  hive = await startTestHive();
});
after(() => hive[Symbol.asyncDispose]());

async function spawn(): Promise<number> {
  const { out } = await hive.skep(["echo", "--json", '{"spawn":"heartbeat","ticks":3}', "/queen/ctl"]);
  return JSON.parse(out).id;
}

test("files are seen as they were after a record, and at a time", async () => {
  const first = await spawn();
  const { time } = hive.hive.kernel;
  const after = time.now();
  while (time.now() <= after) await new Promise(setImmediate);
  const between = new Date(after).toISOString();
  const second = await spawn();
  const seen = async (when: string) => (await hive.skep(["at", when, "ls", "/worker"])).out;
  assert.equal(await seen(String(first)), "worker-1/\n");
  assert.equal(await seen(String(second)), "worker-1/\nworker-2/\n");
  assert.equal(await seen(between), "worker-1/\n");
  assert.equal(await seen(String(first - 1)), "");
});

test("what is not there then is absent, and a moment that cannot be read is refused", async () => {
  assert.equal((await hive.skep(["at", "1", "cat", "/worker/worker-1/telemetry"])).code, 3);
  assert.equal((await hive.skep(["at", "99999", "ls"])).code, 3);
  assert.equal((await hive.skep(["at", "noon", "ls"])).code, 2);
});

test("a time before the hive began is told when it began, and one to come is refused", async () => {
  const early = await hive.skep(["at", "2001-01-01", "ls", "/"]);
  assert.equal(early.code, 3);
  assert.match(early.err, /The hive began at 20\d\d-/);
  for (const when of ["2999-01-01", "2999-01-01T00:00Z", "2999-01-01T00:00"]) {
    const late = await hive.skep(["at", when, "ls", "/"]);
    assert.deepEqual([late.code, late.out], [2, ""]);
  }
});

test("how long ago becomes a time, and digits stay a sequence", () => {
  assert.equal(momentName("2h", 7_200_000), "1970-01-01T00:00:00.000Z");
  assert.equal(momentName("0", 1), "0");
});

test("two moments are compared file by file, line by line", async () => {
  const first = await spawn();
  const second = await spawn();
  const { out, code } = await hive.skep(["at", String(first), "diff", String(second), "/worker"]);
  assert.equal(code, 0);
  const names = [...out.matchAll(/^(\/worker\/worker-\d+)\/\S+ {2}new$/gm)].map(([, name]) => name);
  assert.equal(new Set(names).size, 1);
  assert.match(out, /\n\+\S/);
  const back = await hive.skep(["at", String(second), "diff", String(first), "/worker", "--json"]);
  const told = back.out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { readonly path: string; readonly after: string | null });
  const gone = told.filter(({ path }) => path.startsWith(`${names[0]}/`));
  assert.deepEqual([...new Set(gone.map(({ after }) => after))], [null]);
  const same = await hive.skep(["at", String(second), "diff", String(second)]);
  assert.deepEqual([same.out, same.code], ["", 0]);
  assert.equal((await hive.skep(["at", "1", "diff"])).code, 2);
  assert.equal((await hive.skep(["at", "1", "ls", "worker"])).code, 2);
});

test("the past has what the variables and flags of the running hive mount, not only its home's file", async () => {
  await using other = await startTestHive(undefined, { SKEP_BUS_ADAPTERS: "yard protocol=modbus" });
  const seen = await other.skep(["at", "1", "ls", "/bus"]);
  assert.deepEqual([seen.code, seen.out], [0, "yard/\n"], seen.err);
});
