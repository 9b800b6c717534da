import assert from "node:assert/strict";
import { test } from "node:test";
import { defineProvider, fullAuthority } from "@skep/kernel";
import { recordingFiles, simulatedClock, toyHive } from "@skep/testing";
import { workersProvider } from "./mod.ts";

/** A queen that spawned nobody. */
const nobody = defineProvider<null>({
  name: "queen",
  doc: "Stand-in for the queen",
  initial: () => null,
  events: {},
  offers: { spawned: () => ({ ids: () => [], has: () => false }) },
  mounts: () => ({}),
});

test("the log tells when a worker joins, and when its connection ends without a word", async (context) => {
  const options = { files: recordingFiles(), clock: simulatedClock() };
  const kernel = await toyHive({ ...options, providers: [nobody, workersProvider()] });
  context.after(() => kernel.close());
  const worker = kernel.attach({ ...fullAuthority("w-a"), role: "worker" }, "test");
  const hello = { op: "hello", incarnation: "a1b2c3d4", slots: 2 };
  assert.equal((await worker.append("/worker/w-a/ctl", JSON.stringify(hello))).verdict, "ok");
  worker.close();
  await kernel.settled();
  const log = kernel.rings.ring("/log/queen.log");
  assert.equal(
    Buffer.from(log.read(0, 1000)).toString(),
    "[hive] worker w-a joined with 2 slots\n[hive] worker w-a left; what it runs waits until its lease ends\n",
  );
});

test("what an owner says is told by the worker alone, shown to all, and forgotten with its process", async (context) => {
  const options = { files: recordingFiles(), clock: simulatedClock() };
  const kernel = await toyHive({ ...options, providers: [nobody, workersProvider()] });
  context.after(() => kernel.close());
  const worker = kernel.attach({ ...fullAuthority("w-a"), role: "worker" }, "test");
  const queen = kernel.attach(fullAuthority("owner"), "test");
  const say = (line: object) => worker.append("/worker/w-a/ctl", JSON.stringify(line));
  const shown = async () => {
    const handle = await queen.open(await queen.find("/worker/w-a/owner"), { read: true, write: false });
    return Buffer.from(await handle.read(0, 4096)).toString();
  };
  await say({ op: "hello", incarnation: "a1b2c3d4" });
  assert.equal(await shown(), "state=run\n");
  const reasons = [{ rule: "input", text: "somebody was here\nnow" }];
  const told = {
    op: "owner",
    state: "freeze",
    since: 5,
    until: 9,
    reasons,
    blind: ["cpu"],
    rules: { idle: "180000" },
  };
  assert.equal((await say(told)).verdict, "ok");
  assert.equal(
    await shown(),
    "state=freeze\nsince_ms=5\nuntil_ms=9\nwhy.input=somebody was here\\nnow\nunseen=cpu\nrule.idle=180000\n",
  );
  await assert.rejects(queen.append("/worker/w-a/ctl", JSON.stringify(told)));
  await say({ op: "hello", incarnation: "b1b2c3d4" });
  assert.equal(await shown(), "state=run\n");
});
