import assert from "node:assert/strict";
import { test } from "node:test";
import { filesSuite, type PowerCut, recordingFiles } from "@skep/testing";

const bytes = (words: string) => Buffer.from(words);
const show = (cut: PowerCut, name: string) => {
  const found = cut.image.get(name);
  return found && Buffer.from(found).toString().replaceAll("\0", "0");
};

filesSuite("recording files", async () => recordingFiles());

test("a synced append survives every power cut, and one that is not synced some in every way", async () => {
  const files = recordingFiles();
  const file = await files.open("log");
  await file.append([bytes("AB")]);
  await file.sync();
  await file.append([bytes("cd"), bytes("ef")]);
  const found = new Set([...files.powerCuts(files.moment)].map((cut) => show(cut, "log")));
  for (const kept of ["AB", "ABcd", "AB00ef", "ABcdef", "AB0000", "ABc", "AB0d", "ABcde", "ABcd00"])
    assert.equal(found.has(kept), true, kept);
  assert.deepEqual(
    [...found].filter((one) => !one?.startsWith("AB")),
    [],
  );
});

test("a file whose directory was not synced may be missing, and is there after", async () => {
  const files = recordingFiles();
  await files.open("d/log");
  const cuts = [...files.powerCuts()];
  assert.equal(
    cuts.some((cut) => cut.moment === 1 && !cut.image.has("d/log")),
    true,
  );
  assert.equal(
    cuts.every((cut) => cut.moment < files.moment || cut.image.has("d/log")),
    true,
  );
});

test("a replaced file is the old or the new one after any power cut, never a mixture", async () => {
  const files = recordingFiles(new Map([["d/state", bytes("old")]]));
  const start = files.moment;
  await files.replace("d/state", bytes("brand new"));
  const cuts = [...files.powerCuts()].filter((cut) => cut.moment >= start);
  assert.deepEqual([...new Set(cuts.map((cut) => show(cut, "d/state")))].sort(), ["brand new", "old"]);
  const last = cuts.filter((cut) => cut.moment === files.moment);
  assert.deepEqual(
    last.map((cut) => show(cut, "d/state")),
    ["brand new"],
  );
});

test("a full disk takes what fits and refuses the rest", async () => {
  const files = recordingFiles();
  files.limitSpace(5);
  const file = await files.open("log");
  await assert.rejects(file.append([bytes("abc"), bytes("def")]), { code: "store.full", kind: "busy" });
  assert.equal(await files.size("log"), 5);
});

test("a failed append leaves the bytes that it was told to leave", async () => {
  const files = recordingFiles();
  files.fail({ op: "append", errno: "EIO", bytes: 4, after: 1 });
  const file = await files.open("log");
  await file.append([bytes("abc")]);
  await assert.rejects(file.append([bytes("def"), bytes("ghi")]), { code: "store.io" });
  assert.equal(await files.size("log"), 7);
});

test("an append or sync after a failed sync is a complaint", async () => {
  const files = recordingFiles();
  files.fail({ op: "sync", errno: "EIO" });
  const file = await files.open("log");
  await file.append([bytes("a")]);
  await assert.rejects(file.sync(), { code: "store.io" });
  await assert.rejects(file.sync(), /after a failure/);
  await assert.rejects(file.append([bytes("b")]), /after a failure/);
  assert.equal(files.complaints.length, 2);
});

test("overlapping appends, a second opening and a truncation under an open file are complaints", async () => {
  const files = recordingFiles();
  const file = await files.open("log");
  const first = file.append([bytes("a")]);
  await assert.rejects(file.sync(), /during another/);
  await first;
  await assert.rejects(files.open("log"), /opened twice/);
  await assert.rejects(files.truncate("log", 0), /while it is open/);
  assert.equal(files.complaints.length, 3);
});

test("a held sync ends when it is released, and is durable only then", async () => {
  const files = recordingFiles();
  const file = await files.open("log");
  await file.append([bytes("a")]);
  const held = files.hold("sync");
  let ended = false;
  const syncing = file.sync().then(() => {
    ended = true;
  });
  await held.reached;
  await new Promise((go) => setImmediate(go));
  assert.equal(ended, false);
  assert.equal(
    [...files.powerCuts(files.moment)].some((cut) => show(cut, "log") === ""),
    true,
  );
  held.release();
  await syncing;
  assert.deepEqual(
    [...files.powerCuts(files.moment)].map((cut) => show(cut, "log")),
    ["a"],
  );
});

test("what a failed sync covered may be lost although a later sync succeeds", async () => {
  const files = recordingFiles();
  files.fail({ op: "sync", errno: "EIO" });
  const file = await files.open("log");
  await file.append([bytes("a")]);
  await assert.rejects(file.sync());
  await file.close();
  const next = await files.open("log");
  await next.append([bytes("b")]);
  await next.sync();
  const found = [...files.powerCuts(files.moment)].map((cut) => show(cut, "log"));
  assert.deepEqual(found.sort(), ["0b", "ab"]);
});
