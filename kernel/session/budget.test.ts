import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Authority, Kernel, Session } from "@skep/kernel";
import { recordingFiles, simulatedClock, toyAuthority, toyHive } from "@skep/testing";

const all = { "/comb": ["read", "write"] };

async function hive(t: TestContext) {
  const files = recordingFiles();
  const clock = simulatedClock();
  const kernel = await toyHive({ files, clock });
  t.after(() => kernel.close());
  return { files, clock, kernel };
}

function attach(kernel: Kernel, blocks: Authority["blocks"], more: Partial<Authority> = {}): Session {
  return kernel.attach(toyAuthority("ann", all, { blocks, ...more }), "test");
}

const used = (kernel: Kernel, block: string) => kernel.slices.kernel.budgets.get(block);
const hum = '{"op":"hum","text":"sum"}';

test("a read that is refused counts against no block, so a narrowed ticket cannot use up the one above", async (t) => {
  const { kernel, clock } = await hive(t);
  const child = attach(kernel, [
    { id: "root", ops: 100 },
    { id: "child", ops: 2 },
  ]);
  await child.read("/comb/count").catch(() => undefined);
  for (let at = 0; at < 50; at += 1)
    await assert.rejects(child.read("/comb/count"), { code: "session.budget" });
  await clock.advanceAsync(1000);
  assert.deepEqual(used(kernel, "child"), { ops: 2, bytes: 2 });
  assert.deepEqual(used(kernel, "root"), { ops: 2, bytes: 2 });
});

test("bytes that are appended to a stream count against the ticket", async (t) => {
  const { kernel, clock } = await hive(t);
  const session = attach(kernel, [{ id: "root", bytes: 10 }]);
  assert.equal((await session.append("/comb/hum", "12345678")).verdict, "ok");
  assert.equal((await session.append("/comb/hum", "123")).code, "gate.budget");
  assert.equal((await session.append("/comb/hum", "12")).verdict, "ok");
  await clock.advanceAsync(1000);
  assert.equal(used(kernel, "root")?.bytes, 10);
});

test("bytes that are uploaded count against the ticket before they are taken", async (t) => {
  const { kernel } = await hive(t);
  const session = attach(kernel, [{ id: "root", bytes: 10 }]);
  const found = await session.find(`/comb/cells/${"0".repeat(64)}`);
  const handle = await session.open(found, { read: false, write: true });
  assert.equal(await handle.write(0, Buffer.alloc(10)), 10);
  await assert.rejects(async () => handle.write(10, Buffer.alloc(1)), { code: "gate.budget" });
});

test("reading a blob counts the bytes that it gave, not those that were asked for", async (t) => {
  const { kernel, clock } = await hive(t);
  const session = attach(kernel, [{ id: "root", bytes: 1000 }]);
  const digest = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
  await session.append(`/comb/cells/${digest}`, "hello");
  await clock.advanceAsync(1000);
  const before = used(kernel, "root")?.bytes ?? 0;
  await session.read(`/comb/cells/${digest}`);
  await clock.advanceAsync(1000);
  assert.equal((used(kernel, "root")?.bytes ?? 0) - before, 5);
});

test("a budget is not given back by attaching again, by another session or by a restart", async (t) => {
  const { files, kernel } = await hive(t);
  const blocks = [{ id: "root", ops: 3 }];
  assert.equal((await attach(kernel, blocks).append("/comb/ctl", hum)).verdict, "ok");
  assert.equal((await attach(kernel, [...blocks, { id: "child" }]).append("/comb/ctl", hum)).verdict, "ok");
  const again = await toyHive({ files: files.withoutProcess(), clock: simulatedClock() });
  t.after(() => again.close());
  assert.equal((await attach(again, blocks).append("/comb/ctl", hum)).verdict, "ok");
  assert.equal((await attach(again, blocks).append("/comb/ctl", hum)).code, "gate.budget");
});

test("all reads of a session within a second are charged by one record", async (t) => {
  const { kernel, clock } = await hive(t);
  const session = attach(kernel, [{ id: "root", ops: 1000 }]);
  const before = kernel.journal.next;
  for (let at = 0; at < 20; at += 1) await session.read("/comb/count");
  assert.equal(kernel.journal.next, before);
  await clock.advanceAsync(1000);
  assert.equal(kernel.journal.next, before + 1);
  assert.equal(used(kernel, "root")?.ops, 60);
});

test("the rate of a right holds for appends to a stream too, and a refused one consumes nothing else", async (t) => {
  const { kernel, clock } = await hive(t);
  const meters = [{ key: "slow", rate: 1 }];
  const session = attach(kernel, [{ id: "root", bytes: 100 }], { allows: () => ({ meters }) });
  const append = async () => (await session.append("/comb/hum", "hum\n")).code ?? "ok";
  assert.deepEqual([await append(), await append()], ["ok", "gate.rate"]);
  await clock.advanceAsync(1000);
  assert.deepEqual([await append(), await append()], ["ok", "gate.rate"]);
  session.close();
  assert.equal(used(kernel, "root")?.bytes, 8);
});

test("a rate of one a second on a control takes one line and refuses the next", async (t) => {
  const { kernel, clock } = await hive(t);
  const meters = [{ key: "slow", rate: 1 }];
  const session = attach(kernel, [{ id: "root", ops: 100 }], { allows: () => ({ meters }) });
  const write = async () => (await session.append("/comb/ctl", hum)).code ?? "ok";
  assert.deepEqual([await write(), await write()], ["ok", "gate.rate"]);
  await clock.advanceAsync(1000);
  assert.deepEqual([await write(), await write()], ["ok", "gate.rate"]);
  assert.equal(used(kernel, "root")?.ops, 2);
});
