import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { makeTestPlace, startTestHive, type TestPlace } from "../testing/hive.ts";
import { homeFormat, migrateHome } from "./format.ts";

function oldHome({ home }: TestPlace): void {
  mkdirSync(join(home, "hive"), { recursive: true, mode: 0o700 });
  writeFileSync(join(home, "hive", "honey"), "old");
  writeFileSync(join(home, "reserve"), "space");
  writeFileSync(join(home, "format"), "1\n");
}

const read = (...path: string[]) => readFileSync(join(...path), "utf8");

test("a home gets the number of its format at the first start, and keeps it", async () => {
  await using hive = await startTestHive();
  assert.equal(read(hive.home, "format"), `${homeFormat}\n`);
});

test("a home of a newer format is refused by name, and nothing in it is touched", async () => {
  await using place = makeTestPlace();
  await (await startTestHive(place)).stop();
  writeFileSync(join(place.home, "format"), "99\n");
  await assert.rejects(startTestHive(place), {
    code: "format.newer",
    message: /format 99; this skep knows 1/,
  });
  assert.equal(read(place.home, "format"), "99\n");
});

test("an older home is copied and then changed, one step after the other", async () => {
  await using place = makeTestPlace();
  oldHome(place);
  const steps = {
    1: (home: string) => writeFileSync(join(home, "hive", "honey"), `${read(home, "hive", "honey")}, 2`),
    2: (home: string) => writeFileSync(join(home, "hive", "honey"), `${read(home, "hive", "honey")}, 3`),
  };
  const done = await migrateHome(place.home, 3, steps);
  assert.deepEqual([done?.from, done?.to], [1, 3]);
  assert.equal(read(place.home, "hive", "honey"), "old, 2, 3");
  assert.equal(read(done?.copy ?? "", "hive", "honey"), "old");
  assert.equal(read(done?.copy ?? "", "format"), "1\n");
  assert.equal(existsSync(join(done?.copy ?? "", "reserve")), false);
  assert.equal(await migrateHome(place.home, 3, steps), undefined);
});

test("a step that fails leaves the copy and the number, and the next start goes on from there", async () => {
  await using place = makeTestPlace();
  oldHome(place);
  const fails = () => {
    throw new Error("no room");
  };
  await assert.rejects(migrateHome(place.home, 3, { 1: () => undefined, 2: fails }), /no room/);
  assert.equal(read(place.home, "format"), "2\n");
  assert.equal(read(place.home, "backup-format-1", "hive", "honey"), "old");
  assert.deepEqual((await migrateHome(place.home, 3, { 2: () => undefined }))?.from, 2);
});

test("blobs and sealed segments are in the copy without their bytes being there twice; the last segment is not shared", async () => {
  await using place = makeTestPlace();
  oldHome(place);
  const journal = join(place.home, "hive", "journal");
  const digest = "ab".repeat(32);
  mkdirSync(journal);
  mkdirSync(join(place.home, "blobs", "ab"), { recursive: true });
  writeFileSync(join(place.home, "blobs", "ab", digest), "blob");
  for (const name of ["0000000000000000.seg", "0000000000000009.seg"])
    writeFileSync(join(journal, name), name);
  const { copy } = (await migrateHome(place.home, 2, { 1: () => undefined })) ?? { copy: "" };
  const links = [
    "blobs/ab/".concat(digest),
    ...["0000000000000000", "0000000000000009"].map((at) => `hive/journal/${at}.seg`),
  ];
  assert.deepEqual(
    links.map((name) => statSync(join(copy, name)).nlink),
    [2, 2, 1],
  );
});
