import assert from "node:assert/strict";
import { test } from "node:test";
import { fullAuthority, type Kernel, type Session } from "@skep/kernel";
import { recordingFiles, simulatedClock, toyAuthority, toyHive, toyProvider } from "@skep/testing";
import { logProvider } from "./mod.ts";

async function hive(files = recordingFiles()) {
  const clock = simulatedClock();
  const log = logProvider({ startLines: (act) => ["recovered 0 records", "two\nlines"].forEach(act) });
  const kernel = await toyHive({ files, clock, providers: [log, toyProvider()] });
  return { files, clock, kernel, owner: kernel.attach(fullAuthority("owner"), "test") };
}

const text = async (session: Session, path: string): Promise<string> =>
  Buffer.from(await session.read(path)).toString();
const json = async (session: Session, path: string) =>
  (await text(session, path))
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

async function refuse(kernel: Kernel, clock: { advanceAsync(ms: number): Promise<void> }) {
  const reader = kernel.attach(toyAuthority("reader", { "/comb": ["read", "write"] }), "test");
  for (const bee of ["a", "b", "c"])
    assert.equal((await reader.append("/comb/ctl", { op: "retire", bee })).code, "toy.unknown");
  await clock.advanceAsync(1000);
  await kernel.settled();
}

test("appended lines are kept as they are but for controls, and always end", async (context) => {
  const { kernel, owner } = await hive();
  context.after(() => kernel.close());
  await owner.append("/log/queen.log", "batch-1\nbatch\t2\n\n");
  await owner.append("/log/queen.log", 'a\\b {"json":"ü"}');
  await owner.append("/log/queen.log", "\x1b[2J\u202e");
  assert.equal(
    await text(owner, "/log/queen.log"),
    'batch-1\nbatch\t2\n\na\\b {"json":"ü"}\n\\x1b[2J\\u{202e}\n',
  );
});

test("a line beyond 4096 bytes is refused whole, and nothing of its write is kept", async (context) => {
  const { kernel, owner } = await hive();
  context.after(() => kernel.close());
  const answer = await owner.append("/log/queen.log", `short\n${"x".repeat(4097)}`);
  assert.equal(answer.code, "log.long");
  assert.equal(await text(owner, "/log/queen.log"), "");
  assert.equal((await owner.append("/log/queen.log", "x".repeat(4096))).verdict, "ok");
});

test("start-up lines stand in /kmesg, one line each", async (context) => {
  const { kernel, owner } = await hive();
  context.after(() => kernel.close());
  assert.equal(await text(owner, "/kmesg"), "recovered 0 records\ntwo lines\n");
});

test("the trace of controls tells accepted ones at once and refusals with their count", async (context) => {
  const { kernel, owner, clock } = await hive();
  context.after(() => kernel.close());
  await owner.append("/comb/ctl", { op: "hatch", bee: "maya" });
  await refuse(kernel, clock);
  const [accepted, refused, ...more] = await json(owner, "/trace/ctl");
  assert.deepEqual(
    { subject: accepted?.subject, command: accepted?.command, verdict: accepted?.verdict },
    { subject: "owner", command: { op: "hatch", bee: "maya" }, verdict: "ok" },
  );
  assert.deepEqual(
    { subject: refused?.subject, code: refused?.code, verdict: refused?.verdict, count: refused?.count },
    { subject: "reader", code: "toy.unknown", verdict: "refused", count: 3 },
  );
  assert.equal(more.length, 0);
});

test("every event is told, those before the start too", async () => {
  const first = await hive();
  await first.owner.append("/comb/ctl", { op: "hatch", bee: "maya" });
  await first.kernel.close();
  const { kernel, owner } = await hive(recordingFiles(first.files.image()));
  const told = (await json(owner, "/trace/events")).map(({ event }) => event);
  assert.deepEqual(told, [
    ...["kernel:born@1", "kernel:started@1", "kernel:lifecycle@1", "toy:hatched@1"],
    ...["kernel:started@1", "kernel:lifecycle@1"],
  ]);
  await kernel.close();
});

test("an event too large for a line is told by its size", async (context) => {
  const { kernel, owner } = await hive();
  context.after(() => kernel.close());
  await owner.append("/comb/ctl", { op: "hum", text: "m".repeat(5000) });
  const hum = (await json(owner, "/trace/events")).find(({ event }) => event === "toy:hummed@1");
  assert.equal(hum?.data_bytes, 5011);
  assert.equal("data" in (hum ?? {}), false);
});
