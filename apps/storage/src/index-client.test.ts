import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, test } from "node:test";
import { openIndex } from "@skep/storage";

const root = mkdtempSync(join(tmpdir(), "skep-index-"));
after(() => rmSync(root, { recursive: true, force: true }));
const fresh = () => join(mkdtempSync(join(root, "home-")), "index.db");
const job = (seq: number, key = `j${seq}`) => ({ kind: "job", key, seq });

test("what was added is found at once, also before it is counted as taken in", async () => {
  const index = await openIndex(fresh());
  assert.equal(index.upTo, 0);
  for (let seq = 0; seq < 500; seq += 1) index.add([job(seq)], seq + 1);
  assert.equal(await index.find("job", "j499"), 499);
  assert.equal(await index.find("job", "none"), undefined);
  assert.equal(await index.find("peer", "j1"), undefined);
  assert.equal(index.upTo, 500);
  await index.close();
});

test("a later entry replaces one of the same key and is counted once", async () => {
  const index = await openIndex(fresh());
  index.add([job(1, "a"), job(2, "b"), job(3, "a")], 4);
  index.add([job(9, "b")], 10);
  assert.equal(await index.find("job", "a"), 3);
  assert.equal(await index.find("job", "b"), 9);
  assert.equal(await index.count("job"), 2);
  assert.equal(await index.count("peer"), 0);
  await index.close();
});

test("a page gives the newest below a sequence, newest first", async () => {
  const index = await openIndex(fresh());
  index.add(
    [...Array(50).keys()].map((seq) => job(seq)),
    50,
  );
  assert.deepEqual(await index.page("job", 20, 3), [job(19), job(18), job(17)]);
  assert.deepEqual(await index.page("job", 0, 3), []);
  await index.close();
});

test("entries and how far they reach are kept", async () => {
  const path = fresh();
  const index = await openIndex(path);
  index.add([job(7)], 8);
  index.add([], 12);
  await index.close();
  const again = await openIndex(path);
  assert.equal(again.upTo, 12);
  assert.equal(await again.find("job", "j7"), 7);
  await again.close();
  await assert.rejects(again.find("job", "j7"), { code: "index.closed" });
});

test("a database that is damaged, of somebody else or of another version is thrown away", async () => {
  const sound = fresh();
  const index = await openIndex(sound);
  index.add([job(1)], 2);
  await index.close();
  const bytes = readFileSync(sound);
  const other = (path: string, words: string) => {
    const database = new DatabaseSync(path);
    database.exec(words);
    database.close();
  };
  const spoilers: ((path: string) => void)[] = [
    (path) => writeFileSync(path, "this is no database, only some text that stands in its place"),
    (path) => writeFileSync(path, bytes.subarray(0, 5000)),
    (path) =>
      writeFileSync(path, Buffer.concat([bytes.subarray(0, 100), Buffer.alloc(bytes.length - 100, 0xff)])),
    (path) => other(path, "CREATE TABLE entry (kind, key, seq)"),
    (path) => {
      writeFileSync(path, bytes);
      other(path, "PRAGMA user_version = 99");
    },
    (path) => {
      writeFileSync(path, bytes);
      other(path, "DROP TABLE entry");
    },
  ];
  for (const [at, spoil] of spoilers.entries()) {
    const path = fresh();
    spoil(path);
    const made = await openIndex(path);
    assert.equal(made.upTo, 0, `case ${at}`);
    made.add([job(5)], 6);
    assert.equal(await made.find("job", "j5"), 5);
    await made.close();
  }
});

test("after an add that failed nothing is looked up behind the hole, and the next start takes up from there", async () => {
  const path = fresh();
  const index = await openIndex(path);
  index.add([job(1)], 2);
  assert.equal(await index.find("job", "j1"), 1);
  index.add([{ kind: "job", key: "bad", seq: null as unknown as number }], 3);
  await assert.rejects(index.find("job", "bad"), { code: "index.stalled", kind: "busy" });
  index.add([job(3)], 4);
  await assert.rejects(index.find("job", "j1"), { code: "index.stalled" });
  assert.equal(index.upTo, 2);
  await index.close();
  const again = await openIndex(path);
  assert.equal(again.upTo, 2);
  assert.equal(await again.find("job", "j3"), undefined);
  await again.close();
});

test("a path knows the newest records that changed it, and forgets the oldest", async () => {
  const path = fresh();
  const index = await openIndex(path);
  const touch = (seq: number, key = "/jobs/ctl") => ({ kind: "touch", key, seq });
  index.add([touch(1), touch(1, "/jobs/1"), touch(2)], 3);
  assert.deepEqual(await index.touched("/jobs/ctl", 100, 9), [2, 1]);
  assert.deepEqual(await index.touched("/jobs/1", 100, 9), [1]);
  assert.deepEqual(await index.touched("/jobs/2", 100, 9), []);
  for (let seq = 3; seq < 90; seq += 1) index.add([touch(seq)], seq + 1);
  assert.deepEqual(await index.touched("/jobs/ctl", 80, 2), [79, 78]);
  const all = await index.touched("/jobs/ctl", 1000, 1000);
  assert.equal(all.length, 32);
  assert.equal(all.at(-1), 58);
  await index.close();
});
