import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { defineProvider, type Handle, type Session } from "@skep/kernel";
import { openBlobs } from "@skep/storage";
import { recordingFiles, simulatedClock, toyAuthority, toyHive } from "@skep/testing";
import { casProvider } from "./mod.ts";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

const noJobs = defineProvider<null>({
  name: "jobs",
  doc: "Stands for jobs",
  initial: () => null,
  events: {
    "submitted@1": () => undefined,
    "arrayed@1": () => undefined,
    "ended@1": () => undefined,
  },
  offers: { leases: () => ({ opens: () => false, named: () => new Set() }) },
  mounts: () => ({}),
});

async function hive(t: TestContext, most?: number) {
  const dir = mkdtempSync(join(tmpdir(), "skep-cas-"));
  const blobs = openBlobs(dir);
  const kernel = await toyHive({
    files: recordingFiles(),
    clock: simulatedClock(),
    providers: [casProvider({ blobs, ...(most === undefined ? {} : { most }) }), noJobs],
  });
  t.after(async () => {
    await kernel.close();
    rmSync(dir, { recursive: true });
  });
  const as = (subject: string): Session =>
    kernel.attach(toyAuthority(subject, { "/cas": ["read", "write"] }), "test");
  return { kernel, blobs, as };
}

async function upload(session: Session, digest: string): Promise<Handle> {
  return session.open(await session.find(`/cas/${digest}`), { read: false, write: true });
}

test("two who upload one digest at once both own it, and neither takes the other's bytes for its own", async (t) => {
  const { as } = await hive(t);
  const [ann, bob, eve] = [as("ann"), as("bob"), as("eve")];
  const digest = sha256("hello");
  const [first, second] = [await upload(ann, digest), await upload(bob, digest)];
  await first.write(0, Buffer.from("hel"));
  await second.write(0, Buffer.from("hell"));
  await first.write(3, Buffer.from("lo"));
  await assert.rejects(bob.read(`/cas/${digest}`), { code: "cas.absent" });
  await second.write(4, Buffer.from("o"));
  await Promise.all([first.close(), second.close()]);
  for (const session of [ann, bob]) assert.equal((await session.read(`/cas/${digest}`)).toString(), "hello");
  await assert.rejects(eve.read(`/cas/${digest}`), { code: "cas.absent" });
});

test("bytes of a blob come in the memory that the reader gives", async (t) => {
  const { as } = await hive(t);
  const ann = as("ann");
  const digest = sha256("hello");
  await ann.append(`/cas/${digest}`, "hello");
  const handle = await ann.open(await ann.find(`/cas/${digest}`), { read: true, write: false });
  const into = Buffer.alloc(8);
  const read = await handle.read(1, 3, undefined, into);
  assert.deepEqual([Buffer.from(read).toString(), into.toString()], ["ell", "ell\0\0\0\0\0"]);
  assert.equal(Buffer.from(await handle.read(0, 9, undefined, into)).toString(), "hello");
  await handle.close();
});

test("bytes that have another digest are never a blob, however many come", async (t) => {
  const { as, blobs, kernel } = await hive(t);
  const ann = as("ann");
  const digest = sha256("hello");
  const before = kernel.journal.next;
  const handle = await upload(ann, digest);
  for (const part of ["hell", "O", "hello"]) await handle.write(0, Buffer.from(part));
  await handle.close();
  await assert.rejects(ann.read(`/cas/${digest}`), { code: "cas.absent" });
  assert.deepEqual([await blobs.size(digest), kernel.journal.next], [undefined, before]);
});

test("an upload whose session ends under way is cut and leaves no blob", async (t) => {
  const { as, blobs } = await hive(t);
  const ann = as("ann");
  const digest = sha256("hello");
  const handle = await upload(ann, digest);
  await handle.write(0, Buffer.from("hel"));
  const last = Promise.resolve(handle.write(3, Buffer.from("lo")));
  ann.close();
  await assert.rejects(last, { kind: "cut" });
  await assert.rejects(async () => handle.write(5, Buffer.from("!")), { kind: "cut" });
  await handle.close();
  while ((await blobs.size(digest)) !== undefined) await new Promise((done) => setImmediate(done));
});

test("bytes of an upload that was refused stay where another owns them", async (t) => {
  const { as } = await hive(t);
  const [ann, bob] = [as("ann"), as("bob")];
  const digest = sha256("hello");
  await bob.append(`/cas/${digest}`, "hello");
  const handle = await upload(ann, digest);
  const last = Promise.resolve(handle.write(0, Buffer.from("hello")));
  ann.close();
  await assert.rejects(last, { kind: "cut" });
  await handle.close();
  for (let turn = 0; turn < 50; turn += 1) await new Promise((done) => setImmediate(done));
  assert.equal((await bob.read(`/cas/${digest}`)).toString(), "hello");
});

test("an upload that is larger than the hive takes is refused before it is stored", async (t) => {
  const { as } = await hive(t, 8);
  const ann = as("ann");
  const handle = await upload(ann, sha256("123456789"));
  assert.equal(await handle.write(0, Buffer.from("12345678")), 8);
  await assert.rejects(async () => handle.write(8, Buffer.from("9")), { code: "cas.long", kind: "oversize" });
  await handle.close();
  assert.equal((await ann.append(`/cas/${sha256("12345678")}`, "12345678")).verdict, "ok");
});
