import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { defineProvider, fullAuthority } from "@skep/kernel";
import { workersProvider } from "@skep/provider-workers";
import { recordingFiles, simulatedClock, toyHive } from "@skep/testing";
import { Figures, ringsProvider } from "./mod.ts";
import { RingLog } from "./src/ring-log.ts";
import { WorkerRings } from "./src/worker-rings.ts";

const quotas = { ringBytes: 64, keep: false, advances: 0, resumes: 0 };

/** Two workers that live without anybody's say. */
const spawner = defineProvider<null>({
  name: "spawner",
  doc: "Workers that are there",
  initial: () => null,
  events: {},
  offers: {
    spawned: () => ({ ids: () => ["worker-1", "worker-2"], has: (id: string) => /^worker-[12]$/.test(id) }),
  },
  mounts: () => ({}),
});

async function hive(context: TestContext, changes: Partial<typeof quotas> = {}, files = recordingFiles()) {
  const clock = simulatedClock();
  const figures = new Figures(clock);
  const rings = ringsProvider({ files, figures, quotas: { ...quotas, ...changes } });
  const kernel = await toyHive({ files, clock, providers: [spawner, workersProvider(), rings] });
  context.after(() => kernel.close());
  const queen = kernel.attach(fullAuthority("owner"), "test");
  const read = async (path: string) => Buffer.from(await queen.read(`/worker/worker-1/${path}`)).toString();
  const tell = (line: string, id = "worker-1") => queen.append(`/worker/${id}/telemetry`, line);
  return { kernel, queen, read, tell, files, figures };
}

test("a record keeps its newline, and gets one where it came without", async (context) => {
  const { read, tell } = await hive(context);
  await tell("tick 1");
  await tell("tick 2\ntick 3\n");
  assert.equal(await read("telemetry"), "tick 1\ntick 2\ntick 3\n");
});

test("of many records in one write a ring keeps the newest, and one that it cannot hold is refused with all of them", async (context) => {
  const { read, tell, figures, files } = await hive(context, { keep: true });
  const many = Array.from({ length: 500 }, (_, at) => `tick ${at % 10}\n`);
  assert.deepEqual((await tell(many.join(""))).result, { bytes: 3500 });
  await tell("tick X");
  const kept = `${many.join("").slice(-1017)}tick X\n`;
  assert.equal(await read("telemetry"), kept);
  assert.equal(figures.dropped, 354);
  const long = `tick 1\n${"x".repeat(1024)}\n`;
  assert.deepEqual((await tell(long)).code, "telemetry.record");
  const next = await hive(context, { keep: true }, recordingFiles(files.image()));
  assert.equal(await next.read("telemetry"), kept);
  assert.equal(JSON.parse(await next.read("telemetry.json")).next, 3507);
});

test("CBOR items are taken as they are, and what is no whole item is refused", async (context) => {
  const { queen, tell, figures } = await hive(context);
  const found = await queen.find("/worker/worker-1/telemetry");
  const write = async (bytes: readonly number[]) => {
    const handle = await queen.open(found, { read: false, write: true });
    return handle.write(0, Buffer.from(bytes));
  };
  assert.equal(await write([0xa1, 0x61, 0x61, 1, 0x82, 1, 2]), 7);
  await assert.rejects(() => write([0xa1, 0x61]), { code: "telemetry.cbor" });
  await tell("é");
  assert.deepEqual([...(await queen.read("/worker/worker-1/telemetry"))].slice(7), [0xc3, 0xa9, 10]);
  assert.equal(figures.backpressure, 1);
});

test("an absolute cursor goes on where it ended, is clamped at the end, and refused where its bytes are gone", async (context) => {
  const { read, tell } = await hive(context);
  await tell("tick 1");
  assert.equal(await read("cursor/0"), "tick 1\n");
  await tell("tick 2");
  assert.equal(await read("cursor/7"), "tick 2\n");
  assert.equal(await read("cursor/99"), "");
  for (let count = 0; count < 200; count += 1) await tell("tick n");
  await assert.rejects(read("cursor/7"), { code: "telemetry.stale", message: /requested=7 rewind_to=390/ });
  assert.equal((await read("cursor/1407")).length, 7);
});

test("a session moves its cursors as often as it may, and another one anew", async (context) => {
  const { kernel, read, tell } = await hive(context, { advances: 2, resumes: 1 });
  await tell("tick 1");
  await read("cursor/0");
  await read("cursor/0");
  await assert.rejects(read("cursor/0"), { code: "telemetry.cursor", kind: "quota" });
  await read("cursor/7");
  await assert.rejects(read("cursor/7"), { code: "telemetry.cursor" });
  const other = kernel.attach(fullAuthority("owner"), "test");
  assert.equal(Buffer.from(await other.read("/worker/worker-1/cursor/0")).toString(), "tick 1\n");
});

test("nothing is taken while the hive stands still, and a worker that nobody knows has no ring", async (context) => {
  const { kernel, tell } = await hive(context);
  await assert.rejects(() => tell("tick", "stranger"), { kind: "absent" });
  kernel.system("kernel", "/", { op: "test" }, () => ({
    events: [
      {
        type: "lifecycle@1",
        data: { state: "QUIESCED", reason: "test", since: 0, clock: "trusted" },
      },
    ],
  }));
  assert.equal((await tell("tick")).code, "telemetry.standing");
});

test("rings that are kept have their bytes and offsets after a power cut; others begin at 0", async (context) => {
  const { tell, files } = await hive(context, { keep: true });
  for (let count = 0; count < 300; count += 1) await tell(`tick ${count % 10}`);
  await tell("other", "worker-2");
  const next = await hive(context, { keep: true }, recordingFiles(files.image()));
  assert.equal(JSON.parse(await next.read("telemetry.json")).next, 2100);
  assert.equal(await next.read("cursor/2086"), "tick 8\ntick 9\n");
  await next.tell("tick X");
  assert.equal(await next.read("cursor/2093"), "tick 9\ntick X\n");
  const third = await hive(context, { keep: true }, recordingFiles(next.files.image()));
  assert.equal(await third.read("cursor/2100"), "tick X\n");
  const fresh = await hive(context, {}, recordingFiles(files.image()));
  assert.equal(await fresh.read("telemetry"), "");
});

test("records that come while the disk is busy share its next sync, and each is told when it is there, in its turn", async () => {
  const files = recordingFiles();
  const log = new RingLog(files, () => []);
  const held = files.hold("sync");
  const told: number[] = [];
  const add = (at: number) =>
    log.add({ id: "w", at, bytes: Buffer.from("x") }, () => told.push(at)).then(() => told.length);
  const first = add(0);
  await held.reached;
  const others = Array.from({ length: 5000 }, (_, at) => add(at + 1));
  assert.deepEqual(told, []);
  held.release();
  assert.equal(await first, 1);
  assert.deepEqual(new Set(await Promise.all(others)), new Set([5001]));
  assert.deepEqual(
    told,
    Array.from({ length: 5001 }, (_, at) => at),
  );
  assert.equal(files.counts.sync, 2);
});

test("when the disk fails, whoever waits for it is refused, and so is whoever comes later", async () => {
  const files = recordingFiles();
  const log = new RingLog(files, () => []);
  const told: number[] = [];
  const add = (at: number) => log.add({ id: "w", at, bytes: Buffer.from("x") }, () => told.push(at));
  await add(0);
  files.fail({ op: "sync", errno: "EIO" });
  const [one, other] = [add(1), add(2)];
  await assert.rejects(one);
  await assert.rejects(other);
  await assert.rejects(add(3), { code: "telemetry.broken" });
  assert.deepEqual(told, [0]);
  assert.equal((await new RingLog(files.withoutProcess(), () => []).load()).at(0)?.at, 0);
});

test("however many rings wrap, few lines a second say so, and none of what went is left out in the end", async () => {
  const clock = simulatedClock();
  const rings = new WorkerRings(recordingFiles(), { ...quotas, ringBytes: 8 }, new Figures(clock));
  const told: string[] = [];
  rings.begin({ log: (line: string) => void told.push(line) } as never);
  const wrapAll = async () => {
    for (let at = 0; at < 40; at += 1) await rings.append(`w-${at}`, false, Buffer.from("12345\n"));
  };
  await wrapAll();
  assert.equal(told.length, 0);
  for (let second = 0; second < 6; second += 1) {
    for (let again = 0; again < 5; again += 1) await wrapAll();
    await clock.advance(1000);
  }
  // 40 rings, 16 lines a second: three seconds until each had its turn.
  assert.equal(told.length, 80);
  const bytes = told.map((line) => Number(/dropped_bytes=(\d+)/.exec(line)?.[1]));
  const bases = told.map((line) => Number(/new_base=(\d+)/.exec(line)?.[1]));
  const first = bases.slice(0, 40);
  assert.deepEqual(bytes.slice(0, 40), first);
  assert.equal(
    bytes.reduce((sum, dropped) => sum + dropped, 0),
    bases.slice(40).reduce((sum, base) => sum + base, 0),
  );
});
