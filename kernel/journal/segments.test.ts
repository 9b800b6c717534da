import assert from "node:assert/strict";
import { test } from "node:test";
import { type Image, type RecordingFiles, recordingFiles } from "@skep/testing";
import { frameHead, headerSize } from "./frame.ts";
import { Segments } from "./segments.ts";

const segmentSize = 400;
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
const record = (seq: number) => Buffer.from(JSON.stringify({ seq, pad: "x".repeat(seq % 30) }));
const range = (from: number, end: number) => Array.from({ length: end - from }, (_, at) => from + at);

async function opened(files: RecordingFiles): Promise<Segments> {
  const segments = new Segments(files, { segmentSize });
  await segments.open();
  return segments;
}

/** Groups of three records each. */
async function filled(groups: number, clean = true): Promise<RecordingFiles> {
  const files = recordingFiles();
  const segments = await opened(files);
  for (let group = 0; group < groups; group += 1)
    await segments.append(range(group * 3, group * 3 + 3).map(record));
  if (clean) await segments.close();
  return files;
}

async function all(segments: Segments): Promise<string[]> {
  const found: string[] = [];
  while (found.length < segments.records)
    for (const bytes of await segments.read(found.length, 1000)) found.push(Buffer.from(bytes).toString());
  return found;
}

const expected = (count: number) => range(0, count).map((seq) => record(seq).toString());
const segmentNames = (image: Image) => [...image.keys()].filter((name) => name.endsWith(".seg")).sort();

function changed(image: Image, name: string, change: (bytes: Buffer) => Uint8Array | undefined): Image {
  const bytes = change(Buffer.from(image.get(name) ?? assert.fail(`no ${name}`)));
  const made = new Map(image);
  if (bytes) made.set(name, bytes);
  else made.delete(name);
  return made;
}

function flip(bytes: Buffer, bit: number): Buffer {
  bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
  return bytes;
}

const open = (image: Image) => opened(recordingFiles(image));

for (const clean of [true, false])
  test(`records come back in order from many segments after ${clean ? "a clean stop" : "a crash"}`, async () => {
    const files = await filled(20, clean);
    assert.equal(segmentNames(files.image()).length > 4, true);
    const segments = await open(files.image());
    assert.equal(segments.records, 60);
    assert.deepEqual(await all(segments), expected(60));
    await segments.append([record(60)]);
    assert.deepEqual(await all(segments), expected(61));
    assert.deepEqual(files.complaints, []);
  });

test("a range that begins in one segment goes on in the next", async () => {
  const segments = await open((await filled(20)).image());
  for (let from = 0; from < 60; from += 1) {
    const batch = await segments.read(from, 7);
    assert.equal(batch.length >= 1 && batch.length <= 7, true);
    assert.deepEqual(batch.map(text), expected(60).slice(from, from + batch.length));
  }
  await assert.rejects(segments.read(60, 1), { code: "journal.beyond" });
});

test("a torn tail is cut at every byte, and its length is reported", async () => {
  const image = (await filled(3, false)).image();
  const [name = ""] = segmentNames(image);
  const whole = image.get(name) ?? new Uint8Array(0);
  const before = headerSize + range(0, 6).reduce((sum, seq) => sum + frameHead + record(seq).length, 0);
  for (let size = before; size < whole.length; size += 1) {
    const files = recordingFiles(changed(image, name, (bytes) => bytes.subarray(0, size)));
    const segments = new Segments(files, { segmentSize: 10_000 });
    const { records, cut } = await segments.open();
    assert.equal(records >= 6 && records < 9, true);
    assert.equal((await files.size(name)) ?? 0, size - cut);
    await segments.append([record(records)]);
    assert.deepEqual(await all(segments), expected(records + 1));
  }
});

test("any flipped bit of a sealed segment is found and the segment named", async () => {
  const image = (await filled(12)).image();
  const [name = ""] = segmentNames(image);
  const bits = (image.get(name)?.length ?? 0) * 8;
  for (let bit = 0; bit < bits; bit += 5)
    await assert.rejects(
      open(changed(image, name, (bytes) => flip(bytes, bit))),
      (error: Error & { code?: string }) => error.code === "journal.damaged" && error.message.includes(name),
      `bit ${bit}`,
    );
});

test("a sealed segment that is short, long or of another place is refused", async () => {
  const image = (await filled(20)).image();
  const [first = "", second = "", third = ""] = segmentNames(image);
  await assert.rejects(open(changed(image, second, (bytes) => bytes.subarray(0, -1))), {
    code: "journal.damaged",
  });
  await assert.rejects(open(changed(image, second, (bytes) => Buffer.concat([bytes, bytes]))), {
    code: "journal.damaged",
  });
  await assert.rejects(open(changed(image, second, () => undefined)), { code: "journal.gap" });
  await assert.rejects(open(changed(image, first, () => undefined)), { code: "journal.gap" });
  const other = image.get(third) ?? new Uint8Array(0);
  await assert.rejects(open(changed(image, second, () => other)), { code: "journal.gap" });
});

test("after a clean stop damage at the very end is found, and so is a missing last segment", async () => {
  const image = (await filled(20)).image();
  const last = segmentNames(image).at(-1) ?? "";
  const size = image.get(last)?.length ?? 0;
  for (let cut = 1; cut < size; cut += 1)
    await assert.rejects(
      open(changed(image, last, (bytes) => bytes.subarray(0, size - cut))),
      { code: "journal.damaged" },
      `without the last ${cut} bytes`,
    );
  for (let bit = 0; bit < size * 8; bit += 7) {
    await assert.rejects(open(changed(image, last, (bytes) => flip(bytes, bit))), {
      code: "journal.damaged",
    });
  }
  await assert.rejects(open(changed(image, last, (bytes) => Buffer.concat([bytes, Buffer.from("x")]))), {
    code: "journal.damaged",
  });
  await assert.rejects(open(changed(image, last, () => undefined)), { code: "journal.gap" });
  const none = new Map([...image].filter(([name]) => !name.endsWith(".seg")));
  await assert.rejects(open(none), { code: "journal.gap" });
});

test("a note of the clean stop that is damaged is refused by name", async () => {
  const image = (await filled(2)).image();
  for (let bit = 0; bit < (image.get("journal/end")?.length ?? 0) * 8; bit += 1)
    await assert.rejects(
      open(changed(image, "journal/end", (bytes) => flip(bytes, bit))),
      { code: /^journal\.(damaged|gap)$/ },
      `bit ${bit}`,
    );
});

test("after a crash a damaged older group of the last segment is refused, and only the last one may be torn", async () => {
  const image = (await filled(3, false)).image();
  const [name = ""] = segmentNames(image);
  const length = (seq: number) => frameHead + record(seq).length;
  const lastGroup = headerSize + range(0, 6).reduce((sum, seq) => sum + length(seq), 0);
  for (let at = headerSize; at < (image.get(name)?.length ?? 0); at += 1) {
    const bad = changed(image, name, (bytes) => flip(bytes, at * 8));
    if (at < lastGroup) await assert.rejects(open(bad), { code: "journal.damaged" }, `byte ${at}`);
    else assert.equal((await open(bad)).records < 9, true, `byte ${at}`);
  }
});

test("a last segment whose header is damaged is refused once it has frames, and dropped before", async () => {
  const image = (await filled(2, false)).image();
  const [name = ""] = segmentNames(image);
  await assert.rejects(open(changed(image, name, (bytes) => flip(bytes, 3))), { code: "journal.damaged" });
  const both = changed(image, name, (bytes) => flip(flip(bytes, 3), (headerSize + 12) * 8));
  await assert.rejects(open(both), { code: "journal.damaged" });
  for (let size = 0; size < headerSize; size += 1) {
    const files = recordingFiles(changed(image, name, (bytes) => bytes.subarray(0, size)));
    assert.equal((await opened(files)).records, 0);
    assert.equal(await files.size(name), undefined);
  }
});

test("an index that is missing or damaged is made anew", async () => {
  const image = (await filled(20)).image();
  const name = segmentNames(image)[1]?.replace(/seg$/, "idx") ?? "";
  const sound = Buffer.from(image.get(name) ?? []);
  for (const change of [
    () => undefined,
    () => Buffer.alloc(0),
    (bytes: Buffer) => bytes.subarray(0, -1),
    (bytes: Buffer) => flip(bytes, 70),
    (bytes: Buffer) => Buffer.concat([bytes, bytes]),
  ]) {
    const files = recordingFiles(changed(image, name, change));
    const segments = await opened(files);
    assert.deepEqual(await all(segments), expected(60));
    assert.deepEqual(Buffer.from(files.image().get(name) ?? []), sound);
  }
});

test("an index of another segment is refused with the name of its own", async () => {
  const image = (await filled(20)).image();
  const [first = "", second = ""] = segmentNames(image);
  const other = image.get(second.replace(/seg$/, "idx")) ?? new Uint8Array(0);
  await assert.rejects(open(changed(image, first.replace(/seg$/, "idx"), () => other)), {
    code: "journal.damaged",
    message: new RegExp(first),
  });
});

test("looking without repair changes nothing", async () => {
  const image = (await filled(20, false)).image();
  const last = segmentNames(image).at(-1) ?? "";
  const torn = changed(image, last, (bytes) => bytes.subarray(0, -3));
  const files = recordingFiles(
    changed(torn, segmentNames(image)[0]?.replace(/seg$/, "idx") ?? "", () => undefined),
  );
  const before = files.moment;
  const { records, cut } = await new Segments(files, { segmentSize }).open(false);
  assert.equal(records, 59);
  assert.equal(cut > 0, true);
  assert.equal(files.moment, before);
});

test("reads give whole records while an append is under way", async () => {
  const files = await filled(2);
  const segments = await opened(files);
  const held = files.hold("sync");
  const appending = segments.append(range(6, 9).map(record));
  await held.reached;
  assert.equal(segments.records, 6);
  assert.deepEqual((await segments.read(4, 10)).map(text), expected(6).slice(4));
  await assert.rejects(segments.read(6, 1), { code: "journal.beyond" });
  const reading = segments.read(5, 10);
  held.release();
  await appending;
  assert.deepEqual((await reading).map(text), expected(6).slice(5));
  assert.deepEqual((await segments.read(5, 10)).map(text), expected(9).slice(5));
});

test("nothing is appended after a failure or a close", async () => {
  const files = await filled(1);
  const segments = await opened(files);
  files.fail({ op: "sync", errno: "EIO" });
  await assert.rejects(segments.append([record(3)]), { code: "store.io" });
  await assert.rejects(segments.append([record(3)]), { code: "journal.stopped" });
  await segments.close();
  assert.equal(files.image().has("journal/end"), false);
  const again = await open(files.image());
  await again.close();
  await assert.rejects(again.append([record(3)]), { code: "journal.closed" });
});

test("a journal that is shorter than what was known to be durable is refused by name, and nothing is cut", async () => {
  const files = await filled(2, false);
  const [name = ""] = segmentNames(files.image());
  for (const change of [
    (bytes: Buffer) => bytes.subarray(0, bytes.length - 3),
    (bytes: Buffer) => flip(bytes, (bytes.length - 3) * 8),
    () => undefined,
  ]) {
    const harmed = recordingFiles(changed(files.image(), name, change));
    const before = harmed.image();
    await assert.rejects(new Segments(harmed, { segmentSize }).open(true, 6), { code: "journal.short" });
    assert.deepEqual(harmed.image(), before);
  }
  assert.equal((await new Segments(recordingFiles(files.image()), { segmentSize }).open(true, 6)).records, 6);
});

test("who trusts and wants old records only does not read the last segment, and gets them all the same", async () => {
  const files = await filled(12);
  const names = segmentNames(files.image());
  const last = names.at(-1) ?? assert.fail("no segment");
  const held = Number(/\d+/.exec(last)?.[0]);
  const open = async (image: Image, below: number, trust = true): Promise<Segments> => {
    const segments = new Segments(recordingFiles(image), { segmentSize, trust, below });
    await segments.open(false);
    return segments;
  };
  assert.ok(held > 0 && held < 36);
  assert.equal((await open(files.image(), held + 1)).records, 36);
  assert.equal((await open(files.image(), held, false)).records, 36);
  const broken = changed(files.image(), last, (bytes) => flip(bytes, 8 * (headerSize + 1)));
  const few = await open(broken, held);
  assert.deepEqual(await all(few), expected(held));
  await assert.rejects(few.read(held, 1), { code: "journal.beyond" });
  await assert.rejects(open(broken, held + 1), { code: "journal.damaged" });
});
