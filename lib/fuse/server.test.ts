import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import * as fc from "fast-check";
import { fields, init, request, SampleFiles, SampleKernel } from "./sample-kernel.ts";
import { serve } from "./server.ts";

let kernel: SampleKernel;
let files: SampleFiles;
let served: Promise<void>;
const reported: unknown[] = [];

beforeEach(async () => {
  kernel = new SampleKernel();
  files = new SampleFiles();
  reported.length = 0;
  served = serve(kernel, files, {
    maxWrite: 65_536,
    keptMs: 1500,
    report: (thrown) => reported.push(thrown),
  });
  await kernel.ask("INIT", 0, init);
});
afterEach(async () => {
  kernel.unmount();
  await served;
});

async function lookup(name: string): Promise<number> {
  const { errno, data } = await kernel.ask("LOOKUP", 1, fields(name));
  assert.equal(errno, 0);
  return Number(data.readBigUInt64LE(0));
}

async function open(nodeid: number, op: "OPEN" | "OPENDIR" = "OPEN"): Promise<bigint> {
  const { errno, data } = await kernel.ask(op, nodeid, fields(0, 0));
  assert.equal(errno, 0);
  return data.readBigUInt64LE(0);
}

const readOf = (fh: bigint, size: number) => fields(fh, 0n, size, 0, 0n, 0, 0);

test("INIT agrees on 7.31, on what both know, and on the largest write", async () => {
  const kernel = new SampleKernel();
  let ready = 0;
  const served = serve(kernel, files, { maxWrite: 65_536, ready: () => (ready += 1) });
  const { errno, data } = await kernel.ask("INIT", 0, init);
  assert.deepEqual([errno, data.length, ready], [0, 64, 1]);
  assert.deepEqual([data.readUInt32LE(0), data.readUInt32LE(4)], [7, 31]);
  assert.equal(data.readUInt32LE(12), (1 << 5) | (1 << 18) | (1 << 22));
  assert.deepEqual([data.readUInt32LE(20), data.readUInt16LE(28)], [65_536, 17]);
  kernel.unmount();
  await served;
});

test("a kernel that is too old is told so, and nothing is served", async () => {
  const kernel = new SampleKernel();
  const served = serve(kernel, files, { maxWrite: 4096 });
  const answered = kernel.ask("INIT", 0, fields(7, 30, 0, 0));
  await assert.rejects(served, { code: "fuse.version" });
  assert.equal((await answered).errno, 71);
});

test("a lookup gives the same number for the same path until it is forgotten as often", async () => {
  const first = await lookup("hello");
  assert.equal(await lookup("hello"), first);
  void kernel.ask("FORGET", first, fields(1n));
  assert.equal((await kernel.ask("GETATTR", first, fields(0, 0, 0n))).errno, 0);
  void kernel.ask("BATCH_FORGET", 0, fields(1, 0, BigInt(first), 1n));
  assert.equal((await kernel.ask("GETATTR", first, fields(0, 0, 0n))).errno, 116);
});

test("a lookup that nobody waits for any more counts for nothing", async () => {
  kernel.unwanted.add(kernel.next);
  const nodeid = await lookup("hello");
  assert.equal((await kernel.ask("GETATTR", nodeid, fields(0, 0, 0n))).errno, 116);
});

test("an answer tells the kernel size, type, times, and how long it may keep them", async () => {
  const { data } = await kernel.ask("LOOKUP", 1, fields("hello"));
  assert.deepEqual([data.readBigUInt64LE(16), data.readBigUInt64LE(24)], [0n, 1n]);
  assert.deepEqual([data.readUInt32LE(32), data.readUInt32LE(36)], [0, 500_000_000]);
  assert.deepEqual([data.readBigUInt64LE(40), data.readBigUInt64LE(48)], [6n, 6n]);
  assert.deepEqual([data.readBigUInt64LE(72), data.readUInt32LE(92)], [2n, 500_000_000]);
  assert.deepEqual([data.readUInt32LE(100), data.readUInt32LE(108)], [0o100600, 1]);
});

test("a file is read and written by its handle, which the kernel is not to cache, and released once", async () => {
  const nodeid = await lookup("hello");
  const { data } = await kernel.ask("OPEN", nodeid, fields(2, 0));
  assert.equal(data.readUInt32LE(8), 1);
  const fh = data.readBigUInt64LE(0);
  assert.equal(String((await kernel.ask("READ", nodeid, readOf(fh, 3))).data), "wor");
  const written = await kernel.ask("WRITE", nodeid, fields(fh, 0n, 2, 0, 0n, 0, 0, Buffer.from("hi")));
  assert.equal(written.data.readUInt32LE(0), 2);
  assert.equal(String((await kernel.ask("READ", nodeid, readOf(fh, 9))).data), "hi");
  for (const op of ["FLUSH", "FSYNC", "RELEASE"] as const)
    assert.equal((await kernel.ask(op, nodeid, fields(fh, 0, 0, 0n))).errno, 0);
  assert.deepEqual(files.released, ["/hello"]);
  assert.equal((await kernel.ask("READ", nodeid, readOf(fh, 3))).errno, 9);
});

test("a listing goes on where the last entry that fitted ended", async () => {
  files.texts.set("/a name of 24 characters", "");
  const fh = await open(1, "OPENDIR");
  const first = await kernel.ask("READDIR", 1, fields(fh, 0n, 40, 0, 0n, 0, 0));
  assert.deepEqual([first.data.length, first.data.readUInt32LE(16)], [32, 5]);
  const next = await kernel.ask("READDIR", 1, fields(fh, first.data.readBigUInt64LE(8), 100, 0, 0n, 0, 0));
  assert.equal(String(next.data.subarray(24, 48)), "a name of 24 characters\0");
  const end = await kernel.ask("READDIR", 1, fields(fh, next.data.readBigUInt64LE(8), 100, 0, 0n, 0, 0));
  assert.deepEqual([end.errno, end.data.length], [0, 0]);
});

test("a waiting read ends with EINTR when whoever reads is interrupted, and no other does", async () => {
  files.texts.set("/slow", "");
  const nodeid = await lookup("slow");
  const fh = await open(nodeid);
  const number = kernel.next;
  const waiting = kernel.ask("READ", nodeid, readOf(fh, 9));
  const another = kernel.ask("READ", nodeid, readOf(fh, 9));
  void kernel.ask("INTERRUPT", 0, fields(number));
  void kernel.ask("INTERRUPT", 0, fields(77_777n));
  assert.equal((await waiting).errno, 4);
  const first = await Promise.race([another, kernel.ask("STATFS", 1)]);
  assert.equal(first.data.length, 80);
  kernel.unmount();
  assert.equal((await another).errno, 4);
});

test("what changes the tree is refused by EPERM, what nobody knows by ENOSYS, a bug by EIO", async () => {
  for (const opcode of [9, 10, 12, 35]) assert.equal((await kernel.ask(opcode, 1)).errno, 1);
  for (const opcode of [22, 40, 46, 9999]) assert.equal((await kernel.ask(opcode, 1)).errno, 38);
  assert.equal((await kernel.ask("LOOKUP", 1, fields("broken"))).errno, 5);
  assert.deepEqual(reported.map(String), ["Error: a bug"]);
});

test("names that are none are not there", async () => {
  for (const name of ["", ".", "..", "a/b", "nothing"])
    assert.equal((await kernel.ask("LOOKUP", 1, fields(name))).errno, 2, name);
  assert.equal((await kernel.ask("LOOKUP", 1, Buffer.of(0xff, 0))).errno, 2);
});

test("access is what the owner's bits allow", async () => {
  const nodeid = await lookup("hello");
  assert.equal((await kernel.ask("ACCESS", nodeid, fields(6, 0))).errno, 0);
  assert.equal((await kernel.ask("ACCESS", nodeid, fields(1, 0))).errno, 13);
});

test("broken fields are refused by EINVAL, and the next request is served", async () => {
  assert.equal((await kernel.ask("LOOKUP", 1, Buffer.from("no end"))).errno, 22);
  assert.equal((await kernel.ask("WRITE", 1, fields(1n, 0n, 9, 0, 0n, 0, 0, Buffer.of(1)))).errno, 22);
  assert.equal((await kernel.ask("READ", 1, fields(1n, 2n ** 60n, 9, 0))).errno, 22);
  assert.equal((await kernel.ask("STATFS", 1)).errno, 0);
});

test("any fields of any operation get one answer or none, and the server lives", async () => {
  // FORGET, BATCH_FORGET and INTERRUPT are not answered where they are whole.
  const opcode = fc.integer({ min: 0, max: 60 }).filter((code) => ![2, 26, 36, 42].includes(code));
  const asked = fc.tuple(opcode, fc.integer({ min: 0, max: 3 }), fc.uint8Array({ maxLength: 120 }));
  await fc.assert(
    fc.asyncProperty(asked, async ([code, nodeid, body]) => {
      const { errno } = await kernel.ask(code, nodeid, body);
      assert.ok(errno >= 0);
      assert.equal((await kernel.ask("STATFS", 1)).errno, 0);
    }),
    { numRuns: 300 },
  );
});

test("what is no request at all ends the serving and throws nothing else", async () => {
  const broken = fc.oneof(
    fc.uint8Array({ maxLength: 39 }),
    fc.uint8Array({ minLength: 40, maxLength: 60 }).filter((bytes) => bytes[3] !== 0),
  );
  await fc.assert(
    fc.asyncProperty(broken, async (bytes) => {
      const kernel = new SampleKernel();
      kernel.raw(bytes);
      await assert.rejects(serve(kernel, files, { maxWrite: 4096 }), { code: "fuse.frame" });
    }),
    { numRuns: 100 },
  );
  const beyond = request(1, 2n, 0, Buffer.alloc(0));
  beyond.writeBigUInt64LE(2n ** 60n, 16);
  const kernel = new SampleKernel();
  kernel.raw(beyond);
  await assert.rejects(serve(kernel, files, { maxWrite: 4096 }), { code: "fuse.frame" });
});
