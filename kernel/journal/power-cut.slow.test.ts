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
    if (random() > 0.02) continue;
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
  const files = recordingFiles();
  const killed = await opened(files);
  killed.push(record(0));
  await killed.durableUpTo(1);
  const held = files.hold("sync");
  for (const seq of [1, 2]) killed.push(record(seq));
  await held.reached;
  // The process dies here: its bytes can be read, and nobody has synced them.
  const left = files.withoutProcess();
  const history: History = { pushed: [], acknowledged: [] };
  const journal = await opened(left);
  history.pushed.push(...[0, 1, 2, 3].map((seq) => record(seq).toString()));
  assert.equal(journal.durable, 3);
  history.acknowledged.push({ moment: left.moment, next: 3 });
  for (const cut of left.powerCuts(left.moment)) await check(cut, history);
  journal.push(record(3));
  await journal.durableUpTo(4);
  history.acknowledged.push({ moment: left.moment, next: 4 });
  for (const cut of left.powerCuts(left.moment)) await check(cut, history);
});

test("records that were found after a failed sync are durable once something is built upon them", async () => {
  const files = recordingFiles();
  const before = await opened(files);
  before.push(record(0));
  await before.durableUpTo(1);
  files.fail({ op: "sync", errno: "EIO" });
  before.push(record(1));
  await assert.rejects(before.durableUpTo(2) ?? assert.fail(), { code: "journal.stopped" });
  await before.segments.close();
  // The same machine: its cache still shows record 1, and takes it for written.
  const after = await opened(files);
  assert.equal(after.next, 2);
  after.push(record(2));
  await after.durableUpTo(3);
  const expected = [0, 1, 2].map((seq) => record(seq).toString());
  for (const cut of files.powerCuts(files.moment))
    assert.deepEqual(await recordsIn(cut.image), expected, cut.label);
  assert.deepEqual(files.complaints, []);
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
