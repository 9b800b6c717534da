import assert from "node:assert/strict";
import { test } from "node:test";
import { type RecordingFiles, recordingFiles } from "@skep/testing";
import { GroupCommit } from "./commit.ts";
import { Segments } from "./segments.ts";

const record = (seq: number) => Buffer.from(`{"seq":${seq}}`);
const turn = () => new Promise<void>((go) => setImmediate(go));

async function started(files: RecordingFiles) {
  const segments = new Segments(files);
  await segments.open();
  const told: unknown[] = [];
  const groups: number[][] = [];
  const commit = new GroupCommit(segments, {
    defer: (act) => setImmediate(act),
    onDurable: (records, first) => groups.push(records.map((_, at) => first + at)),
    fatal: (error) => told.push(error),
  });
  return { segments, commit, told, groups };
}

test("a record is acknowledged only after the sync that covers it has ended", async () => {
  const files = recordingFiles();
  const { commit } = await started(files);
  const held = files.hold("sync");
  const header = files.hold("append");
  commit.push(record(0));
  let acknowledged = false;
  const waiting = commit.durableUpTo(1)?.then(() => {
    acknowledged = true;
  });
  await header.reached;
  header.release();
  await held.reached;
  const frames = files.hold("sync");
  held.release();
  await frames.reached;
  await turn();
  assert.equal(files.counts.append, 2);
  assert.equal(acknowledged, false);
  assert.equal(commit.durable, 0);
  frames.release();
  await waiting;
  assert.equal(acknowledged, true);
  assert.equal(commit.durableUpTo(1), undefined);
});

test("records that come during a sync go down together in the next group, in order", async () => {
  const files = recordingFiles();
  const { commit, groups } = await started(files);
  commit.push(record(0));
  await commit.durableUpTo(1);
  const held = files.hold("sync");
  commit.push(record(1));
  await held.reached;
  for (let seq = 2; seq < 9; seq += 1) commit.push(record(seq));
  assert.equal(commit.depth, 8);
  held.release();
  await commit.durableUpTo(9);
  assert.deepEqual(groups, [[0], [1], [2, 3, 4, 5, 6, 7, 8]]);
  assert.deepEqual([commit.depth, commit.next, commit.durable], [0, 9, 9]);
});

test("a waiter of an earlier record is not held up by one of a later record", async () => {
  const files = recordingFiles();
  const { commit } = await started(files);
  commit.push(record(0));
  const ended: number[] = [];
  const later = commit.durableUpTo(2)?.then(() => ended.push(2));
  const earlier = commit.durableUpTo(1)?.then(() => ended.push(1));
  await earlier;
  assert.deepEqual(ended, [1]);
  commit.push(record(1));
  await later;
  assert.deepEqual(ended, [1, 2]);
});

for (const [words, failure] of [
  ["a failing sync", { op: "sync", errno: "EIO" }],
  ["a full disk", { op: "append", errno: "ENOSPC", bytes: 11 }],
] as const)
  test(`${words} breaks the commit once: all waiters are told, nothing is written or synced again`, async () => {
    const files = recordingFiles();
    const { commit, told } = await started(files);
    commit.push(record(0));
    await commit.durableUpTo(1);
    const counts = { ...files.counts };
    files.fail(failure);
    commit.push(record(1));
    const refused = { code: "journal.stopped", kind: "busy" };
    await Promise.all(
      [2, 3].map((next) => assert.rejects(commit.durableUpTo(next) ?? assert.fail(), refused)),
    );
    assert.equal(told.length, 1);
    assert.throws(() => commit.push(record(2)), { code: "journal.stopped" });
    await assert.rejects(commit.durableUpTo(2) ?? assert.fail(), { code: "journal.stopped" });
    await turn();
    await commit.close();
    assert.equal(commit.durable, 1);
    assert.equal(told.length, 1);
    assert.equal(files.counts.append, counts.append + 1);
    assert.equal(files.counts.sync, counts.sync + (failure.op === "sync" ? 1 : 0));
    assert.equal(files.image().has("journal/end"), false);
    assert.deepEqual(files.complaints, []);
  });

test("close waits for what is queued, also when a group was written before", async () => {
  const files = recordingFiles();
  const { commit, segments } = await started(files);
  commit.push(record(0));
  await commit.durableUpTo(1);
  commit.push(record(1));
  await commit.close();
  assert.equal(segments.records, 2);
  assert.equal(files.image().has("journal/end"), true);
});
