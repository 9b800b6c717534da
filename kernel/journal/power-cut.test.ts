import assert from "node:assert/strict";
import { test } from "node:test";
import { type Image, type PowerCut, type RecordingFiles, recordingFiles, seeded } from "@skep/testing";
import { Journal } from "./journal.ts";
import { Segments } from "./segments.ts";

const segmentSize = 150;
const record = (seq: number, run = 0) =>
  Buffer.from(JSON.stringify({ seq, v: 1, run, pad: "p".repeat(seq % 4) }));

/** Facts that hold in every power cut at their moment or later. */
interface History {
  /** Bytes of each record that was pushed, by sequence. */
  readonly pushed: string[];
  readonly acknowledged: { readonly moment: number; readonly next: number }[];
}

async function opened(files: RecordingFiles): Promise<Journal> {
  return Journal.open(files, { defer: (act) => setImmediate(act), fatal: () => undefined }, { segmentSize });
}

/** Pushes groups of these sizes; each is acknowledged before the next is pushed. */
async function run(
  files: RecordingFiles,
  groups: readonly number[],
  history: History,
  mark = 0,
): Promise<void> {
  const journal = await opened(files);
  history.pushed.length = journal.next;
  for (const size of groups) {
    for (let at = 0; at < size; at += 1) {
      const bytes = record(journal.next, mark);
      history.pushed.push(bytes.toString());
      journal.push(bytes);
    }
    await journal.durableUpTo(journal.next);
    history.acknowledged.push({ moment: files.moment, next: journal.next });
  }
}

async function recordsIn(image: Image): Promise<string[]> {
  const segments = new Segments(recordingFiles(image), { segmentSize });
  await segments.open();
  const found: string[] = [];
  while (found.length < segments.records)
    for (const bytes of await segments.read(found.length, 100)) found.push(Buffer.from(bytes).toString());
  return found;
}

async function check(cut: PowerCut, history: History): Promise<void> {
  const found = await recordsIn(cut.image).catch((error) => assert.fail(`${cut.label}: ${error}`));
  const sure = history.acknowledged.filter(({ moment }) => moment <= cut.moment).map(({ next }) => next);
  assert.equal(found.length >= Math.max(0, ...sure), true, `${cut.label}: an acknowledged record is lost`);
  assert.deepEqual(found, history.pushed.slice(0, found.length), cut.label);
}

test("whatever a power cut leaves, acknowledged records are there once and in order, others whole or absent", async () => {
  const files = recordingFiles();
  const history: History = { pushed: [], acknowledged: [] };
  await run(files, [1, 3, 2, 4, 1, 2], history);
  let cuts = 0;
  for (const cut of files.powerCuts()) {
    await check(cut, history);
    cuts += 1;
  }
  assert.equal(cuts > 500, true);
  assert.equal([...files.image().keys()].filter((name) => name.endsWith(".seg")).length > 2, true);
  assert.deepEqual(files.complaints, []);
});

test("a power cut during the recovery from a power cut loses nothing either", async () => {
  const files = recordingFiles();
  const history: History = { pushed: [], acknowledged: [] };
  await run(files, [2, 3], history);
  const random = seeded(11);
  for (const first of files.powerCuts()) {
    if (random() > 0.15) continue;
    const before = await recordsIn(first.image);
    const again = recordingFiles(first.image);
    const start = again.moment;
    await opened(again);
    for (const second of again.powerCuts())
      if (second.moment >= start)
        assert.deepEqual(await recordsIn(second.image), before, `${first.label}; then ${second.label}`);
  }
});

test("what a restarted daemon found and built upon survives the next power cut", async () => {
  for (const groups of [[3], [2, 3], [1, 1, 4]]) {
    const files = recordingFiles();
    const history: History = { pushed: [], acknowledged: [] };
    const first = await opened(files);
    for (const size of groups) {
      for (let at = 0; at < size; at += 1) first.push(record(first.next));
      // The process is killed during the last sync: the bytes can be read, and nobody knows whether they are durable.
      const held = size === groups.at(-1) && first.next > 3 ? files.hold("sync") : undefined;
      const done = first.durableUpTo(first.next);
      await (held ? held.reached : done);
    }
    const left = recordingFiles(files.image());
    await run(left, [2], history);
    assert.deepEqual(history.pushed.length > 0, true);
    for (const cut of left.powerCuts(left.moment))
      assert.equal((await recordsIn(cut.image)).length, history.acknowledged.at(-1)?.next, cut.label);
  }
});

test("records that were found after a failed sync are durable once something is built upon them", async () => {
  const files = recordingFiles();
  const history: History = { pushed: [], acknowledged: [] };
  await run(files, [2], history);
  const journal = new Segments(recordingFiles(files.image()), { segmentSize: 10_000 });
  await journal.open();
  const disk = recordingFiles();
  const before = await Journal.open(
    disk,
    { defer: (act) => setImmediate(act), fatal: () => undefined },
    { segmentSize: 10_000 },
  );
  before.push(record(0));
  await before.durableUpTo(1);
  disk.fail({ op: "sync", errno: "EIO" });
  before.push(record(1));
  await assert.rejects(before.durableUpTo(2) ?? assert.fail());
  await before.segments.close();
  // The same machine, so its cache still shows record 1, and takes it for written.
  const after = await Journal.open(
    disk,
    { defer: (act) => setImmediate(act), fatal: () => undefined },
    { segmentSize: 10_000 },
  );
  assert.equal(after.next, 2);
  after.push(record(2));
  await after.durableUpTo(3);
  for (const cut of disk.powerCuts(disk.moment))
    assert.deepEqual(
      await recordsIn(cut.image),
      [0, 1, 2].map((seq) => record(seq).toString()),
      cut.label,
    );
  assert.deepEqual(disk.complaints, []);
});

test("on a disk that fills up at any byte nothing acknowledged is lost, and the journal goes on with more room", async () => {
  for (let room = 0; room < 420; room += 7) {
    const files = recordingFiles();
    const history: History = { pushed: [], acknowledged: [] };
    files.limitSpace(room);
    await run(files, [1, 2, 3, 2], history).catch((error) =>
      assert.equal(["journal.stopped", "store.full"].includes(error.code), true, String(error)),
    );
    const found = await recordsIn(files.image());
    assert.equal(found.length >= (history.acknowledged.at(-1)?.next ?? 0), true, `room for ${room} bytes`);
    assert.deepEqual(found, history.pushed.slice(0, found.length));
    const more = recordingFiles(files.image());
    const next: History = { pushed: found, acknowledged: [] };
    await run(more, [2], next, 1);
    assert.deepEqual(await recordsIn(more.image()), next.pushed);
  }
});
