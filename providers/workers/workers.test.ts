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
