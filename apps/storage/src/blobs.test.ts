import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { openBlobs } from "@skep/storage";

const root = mkdtempSync(join(tmpdir(), "skep-blobs-"));
after(() => rmSync(root, { recursive: true, force: true }));
const fresh = () => mkdtempSync(join(root, "blobs-"));
const digestOf = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const bytes = Buffer.from("a blob in three parts");
const digest = digestOf(bytes);
const pathOf = (dir: string, one: string) => join(dir, one.slice(0, 2), one.slice(2, 4), one);
const incoming = (dir: string) => readdirSync(join(dir, "incoming"));

async function listed(blobs: ReturnType<typeof openBlobs>) {
  const found: string[] = [];
  for await (const one of blobs.list()) found.push(`${one.digest} ${one.size}`);
  return found.sort();
}

test("an upload is a blob as soon as its bytes have the digest, and not before", async () => {
  const dir = fresh();
  const blobs = openBlobs(dir);
  const upload = blobs.upload(digest);
  assert.equal(await upload.append(bytes.subarray(0, 5)), false);
  assert.equal(await upload.append(bytes.subarray(5, 9)), false);
  assert.equal(upload.size, 9);
  assert.equal(await blobs.size(digest), undefined);
  assert.deepEqual(await listed(blobs), []);
  assert.equal(await upload.append(bytes.subarray(9)), true);
  assert.equal(await blobs.size(digest), bytes.length);
  assert.deepEqual(Buffer.from(await blobs.read(digest, 0, 100)), bytes);
  assert.deepEqual(Buffer.from(await blobs.read(digest, 5, 4)), bytes.subarray(5, 9));
  assert.deepEqual(incoming(dir), []);
  assert.equal(statSync(pathOf(dir, digest)).mode & 0o777, 0o600);
  await assert.rejects(upload.append(bytes), { code: "blob.complete" });
});

test("appends that are not waited for are taken in order", async () => {
  const blobs = openBlobs(fresh());
  const upload = blobs.upload(digest);
  const answers = await Promise.all([...bytes].map((byte) => upload.append(Uint8Array.of(byte))));
  assert.deepEqual(answers, [...Array(bytes.length - 1).fill(false), true]);
});

test("uploads of one digest side by side all complete", async () => {
  const dir = fresh();
  const blobs = openBlobs(dir);
  const uploads = Array.from({ length: 10 }, () => blobs.upload(digest));
  await Promise.all(uploads.map((one) => one.append(bytes.subarray(0, 3))));
  const answers = await Promise.all(uploads.map((one) => one.append(bytes.subarray(3))));
  assert.deepEqual(answers, Array(10).fill(true));
  assert.deepEqual(await listed(blobs), [`${digest} ${bytes.length}`]);
  assert.deepEqual(incoming(dir), []);
});

test("a closed upload leaves nothing, a closed complete one its blob", async () => {
  const dir = fresh();
  const blobs = openBlobs(dir);
  const upload = blobs.upload(digest);
  await upload.append(bytes.subarray(0, 5));
  assert.equal(incoming(dir).length, 1);
  await upload.close();
  assert.deepEqual(incoming(dir), []);
  await assert.rejects(upload.append(bytes), { code: "blob.closed" });
  const whole = blobs.upload(digest);
  await whole.append(bytes);
  await whole.close();
  assert.equal(await blobs.size(digest), bytes.length);
});

test("what a crash left of uploads is cleared away at the next start", async () => {
  const dir = fresh();
  const left = openBlobs(dir).upload(digest);
  await left.append(bytes.subarray(0, 5));
  assert.equal(incoming(dir).length, 1);
  const blobs = openBlobs(dir);
  assert.deepEqual(incoming(dir), []);
  assert.equal(await blobs.put(bytes), digest);
  await left.close();
});

test("an empty blob is complete with an empty append", async () => {
  const blobs = openBlobs(fresh());
  const empty = digestOf(Buffer.alloc(0));
  assert.equal(await blobs.upload(empty).append(Buffer.alloc(0)), true);
  assert.equal(await blobs.size(empty), 0);
});

test("damage is found, and putting the bytes again heals it", async () => {
  const dir = fresh();
  const blobs = openBlobs(dir);
  const large = Buffer.alloc(3 * 1024 * 1024, "skep");
  const one = await blobs.put(large);
  assert.equal(await blobs.check(one), "whole");
  const bad = readFileSync(pathOf(dir, one));
  bad.writeUInt8(0, 2_000_000);
  writeFileSync(pathOf(dir, one), bad);
  assert.equal(await blobs.check(one), "damaged");
  await blobs.put(large);
  assert.equal(await blobs.check(one), "whole");
  assert.equal(await blobs.check(digest), "absent");
});

test("a removed blob is absent, and removing it twice is harmless", async () => {
  const blobs = openBlobs(fresh());
  await blobs.put(bytes);
  await blobs.read(digest, 0, 1);
  await blobs.remove(digest);
  await blobs.remove(digest);
  assert.equal(await blobs.size(digest), undefined);
  await assert.rejects(blobs.read(digest, 0, 1), { code: "blob.absent", kind: "absent" });
});

test("what is no digest is refused before it becomes a path", async () => {
  const blobs = openBlobs(fresh());
  for (const bad of ["", "../../etc/passwd", digest.toUpperCase(), `${digest}0`, digest.slice(1)]) {
    assert.throws(() => blobs.upload(bad), { code: "blob.digest" });
    await assert.rejects(blobs.read(bad, 0, 1), { code: "blob.digest" });
    await assert.rejects(blobs.size(bad), { code: "blob.digest" });
  }
});

test("who opens the blobs to read leaves the uploads of another alone", async () => {
  const dir = fresh();
  const upload = openBlobs(dir).upload(digest);
  await upload.append(bytes.subarray(0, 5));
  const reader = openBlobs(dir, { toRead: true });
  assert.equal(incoming(dir).length, 1);
  assert.equal(await upload.append(bytes.subarray(5)), true);
  assert.deepEqual(await listed(reader), [`${digest} ${bytes.length}`]);
});
