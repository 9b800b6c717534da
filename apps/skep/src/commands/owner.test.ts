import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { realClock } from "../clock.ts";
import { ownerPlaces } from "../owner/folder.ts";
import { makeTestPlace } from "../testing/hive.ts";

/** A folder in which a worker has lived. */
function workerFolder(home: string, name: string): string {
  const folder = join(home, "workers", name);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, "identity"), "");
  return folder;
}

/** What a worker that lives, and hears nothing, has told. */
function deafState(worker: string): string {
  const told = { v: 1, pid: process.pid, worker, at: 0, state: "run", since: 0, reasons: [], blind: [] };
  return JSON.stringify({ ...told, gpus: {}, rules: {}, means: [], limits: [] });
}

test("a pause reaches every worker of the home, behind one that does not answer too, and resume takes all back", async () => {
  await using place = makeTestPlace();
  const env = { XDG_STATE_HOME: join(place.dir, "state") };
  const folders = ["0", "1", "2"].map((name) => workerFolder(place.home, name));
  writeFileSync(ownerPlaces.state(folders[0] ?? ""), deafState("w-0"), { mode: 0o600 });
  let now = 0;
  const clock = { ...realClock, monotonic: () => (now += 1000) };
  const paused = await place.skep(["pause", "--json"], { env, clock });
  const said = paused.out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    said.map(({ folder, state }) => [folder, state]),
    [
      [folders[0], "unknown"],
      [folders[1], "none"],
      [folders[2], "none"],
    ],
  );
  assert.equal(paused.code, 7);
  assert.deepEqual(
    folders.map((folder) => existsSync(ownerPlaces.pause(folder))),
    [true, true, true],
  );
  assert.equal((await place.skep(["resume"], { env })).code, 0);
  assert.deepEqual(
    folders.map((folder) => existsSync(ownerPlaces.pause(folder))),
    [false, false, false],
  );
});

test("a folder in which no worker lived is refused by name, and nothing is written there", async () => {
  await using place = makeTestPlace();
  const missing = join(place.dir, "nope");
  for (const argv of [["pause"], ["resume"], ["owner"], ["owner", "--init"], ["owner", "--check"]])
    for (const folder of [missing, place.dir]) {
      const { code, err } = await place.skep([...argv, "--worker-home", folder]);
      assert.equal(code, 3, argv.join(" "));
      assert.match(err, new RegExp(`none lived in this folder: "${folder}"`));
    }
  assert.deepEqual([existsSync(missing), readdirSync(place.dir)], [false, []]);
});
