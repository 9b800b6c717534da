import assert from "node:assert/strict";
import { test } from "node:test";
import { type RecordingFiles, recordingFiles } from "@skep/testing";
import { Journal } from "./journal.ts";
import { encodeRecord, type JournalRecord } from "./record.ts";

const record = (seq: number): JournalRecord => ({
  v: 1,
  seq,
  epoch: 1,
  time: 1000 + seq,
  subject: "queen",
  ticket: [],
  path: "/queen/ctl",
  command: { op: "spawn", n: seq },
  verdict: { ok: true },
  policy: "none",
  engine: "skep",
  events: [],
  effects: [],
});

const open = (files: RecordingFiles) =>
  Journal.open(
    files,
    {
      defer: (act) => setImmediate(act),
      fatal: (error) => assert.fail(String(error)),
    },
    { segmentSize: 20_000 },
  );

async function push(journal: Journal, count: number): Promise<void> {
  for (let at = 0; at < count; at += 1) {
    journal.push(encodeRecord(record(journal.next)));
    if (at % 25 === 24 || at === count - 1) await journal.durableUpTo(journal.next);
  }
}

/** A journal of 1,000 records that was closed; `root` is that of its first 700. */
async function filled() {
  const files = recordingFiles();
  const journal = await open(files);
  await push(journal, 700);
  const root = journal.tree.root();
  await push(journal, 300);
  const whole = Buffer.from(journal.tree.root());
  await journal.close();
  return { image: files.image(), root, whole };
}

async function visited(journal: Journal, from = 0, root?: Uint8Array): Promise<number[]> {
  const seen: number[] = [];
  await journal.growTree((one) => seen.push(one.seq), from, root);
  return seen;
}

const range = (from: number, end: number) => Array.from({ length: end - from }, (_, at) => from + at);

test("a start visits every record in order and comes to the same root", async () => {
  const { image, whole } = await filled();
  const journal = await open(recordingFiles(image));
  assert.deepEqual(await visited(journal), range(0, 1000));
  assert.deepEqual(Buffer.from(journal.tree.root()), whole);
});

test("a start from a snapshot visits what came after it, and its root is checked", async () => {
  const { image, root, whole } = await filled();
  const journal = await open(recordingFiles(image));
  assert.deepEqual(await visited(journal, 700, root), range(700, 1000));
  assert.deepEqual(Buffer.from(journal.tree.root()), whole);
  const other = await open(recordingFiles(image));
  await assert.rejects(visited(other, 700, whole), { code: "journal.tree", kind: "corrupt" });
});

test("kept tiles that are damaged, short or gone are made anew from the records", async () => {
  const { image, root, whole } = await filled();
  const tiles = Buffer.from(image.get("journal/tiles") ?? []);
  assert.equal(tiles.length, 3 * 32);
  const damaged = Buffer.from(tiles);
  damaged.writeUInt8(damaged.readUInt8(40) ^ 1, 40);
  for (const change of [
    damaged,
    tiles.subarray(0, 33),
    Buffer.alloc(0),
    Buffer.concat([tiles, tiles]),
    undefined,
  ]) {
    const changed = new Map(image);
    if (change) changed.set("journal/tiles", change);
    else changed.delete("journal/tiles");
    const files = recordingFiles(changed);
    const journal = await open(files);
    assert.deepEqual(await visited(journal, 700, root), range(700, 1000));
    assert.deepEqual(Buffer.from(journal.tree.root()), whole);
    await journal.close();
    assert.deepEqual(Buffer.from(files.image().get("journal/tiles") ?? []), tiles);
  }
});

test("kept tiles are not trusted where no root vouches for them", async () => {
  const { image, whole } = await filled();
  const changed = new Map(image).set("journal/tiles", Buffer.alloc(96, 7));
  const journal = await open(recordingFiles(changed));
  assert.deepEqual(await visited(journal, 700), range(700, 1000));
  assert.deepEqual(Buffer.from(journal.tree.root()), whole);
});

test("the tree has a record before who waits for the record is told", async () => {
  const journal = await open(recordingFiles());
  const sizes: number[] = [];
  for (let seq = 0; seq < 20; seq += 1) {
    journal.push(encodeRecord(record(seq)));
    journal.durableUpTo(seq + 1)?.then(() => sizes.push(journal.tree.size - seq));
  }
  await journal.durableUpTo(20);
  assert.equal(sizes.length >= 19, true);
  assert.equal(
    sizes.every((ahead) => ahead >= 1),
    true,
  );
});

test("records are read one by one and in ranges across segments", async () => {
  const { image } = await filled();
  const journal = await open(recordingFiles(image));
  assert.equal(journal.segments.names.length > 5, true);
  assert.deepEqual(await journal.record(567), record(567));
  const seen: number[] = [];
  for await (const one of journal.records(95, 905)) seen.push(one.seq);
  assert.deepEqual(seen, range(95, 905));
  await assert.rejects(journal.record(1000), { code: "journal.beyond" });
});

test("a record beyond 65,535 bytes is refused before it is queued", () => {
  const large = { ...record(0), command: { text: "x".repeat(65_535) } };
  assert.throws(() => encodeRecord(large), { code: "journal.oversize", kind: "oversize" });
});
