import assert from "node:assert/strict";
import { test } from "node:test";
import { type RecordingFiles, recordingFiles, simulatedClock, toyProvider } from "@skep/testing";
import { fullAuthority } from "../session/authority.ts";
import { Journal } from "../journal/journal.ts";
import { Kernel } from "./kernel.ts";
import type { KernelOptions } from "./options.ts";
import type { Made } from "./made.ts";
import { foldTo } from "./recover.ts";
import { Slices } from "./slices.ts";
import { leaving, usable, writeSnapshot } from "./snapshot.ts";
import { Spacing } from "./spacing.ts";

function open(files: RecordingFiles, more: Partial<KernelOptions> = {}): Promise<Kernel> {
  return Kernel.open({
    files,
    clock: simulatedClock(),
    providers: [toyProvider()],
    version: "toy",
    defer: (act) => void setImmediate(act),
    fatal: (error) => {
      throw error;
    },
    chance: () => "00".repeat(32),
    born: () => ({ id: "toy-hive", name: "toy" }),
    ...more,
  });
}

async function hatch(kernel: Kernel, count: number, name = "bee"): Promise<void> {
  const owner = kernel.attach(fullAuthority("owner"), "test");
  for (let at = 0; at < count; at += 1)
    await owner.append("/comb/ctl", { op: "hatch", bee: `${name}-${at}` });
  owner.close();
}

const never = new Promise<never>(() => undefined);

test("a start that had to replay much keeps a snapshot, and the next start folds only what came after", async () => {
  const files = recordingFiles();
  const first = await open(files);
  await hatch(first, 60);
  await first.close();
  const options = { fold: () => never, snapshotEvery: 50 };
  const second = await open(files, options);
  assert.equal(second.recovered.snapshot, undefined);
  const { folded } = second.recovered;
  const { hive } = second.slices.kernel;
  await second.close();
  const third = await open(files, options);
  assert.equal(third.recovered.snapshot, folded);
  assert.ok(third.recovered.folded <= 3);
  assert.deepEqual(third.slices.kernel.hive.get(), hive.get());
  assert.equal(
    Buffer.from(await third.attach(fullAuthority("owner"), "test").read("/comb/count")).toString(),
    "60\n",
  );
  await third.close();
});

test("a hive stops without waiting for a snapshot that is being folded", async () => {
  let asked = 0;
  const kernel = await open(recordingFiles(), {
    snapshotEvery: 20,
    fold: () => {
      asked += 1;
      return never;
    },
  });
  await hatch(kernel, 60);
  assert.equal(asked, 1);
  await kernel.close();
});

test("of too many snapshots those go whose neighbours are nearest, and of too large ones as many as it takes", () => {
  const older = Array.from({ length: 30 }, (_, at) => ({ rows: `${at}`, seq: at * 10, bytes: 100 }));
  const left = (most: { readonly snapshots: number; readonly bytes: number }): number[] => {
    const gone = leaving(older, 300, most);
    return older.filter((each) => !gone.includes(each)).map(({ seq }) => seq);
  };
  const twenty = left({ snapshots: 20, bytes: 1e9 });
  assert.equal(twenty.length, 20);
  const gaps = twenty.map((seq, at) => seq - (twenty[at - 1] ?? 0));
  assert.ok(Math.max(...gaps) <= 40, gaps.join(" "));
  assert.equal(left({ snapshots: 20, bytes: 550 }).length, 5);
  assert.deepEqual(leaving([], 300), []);
});

test("snapshots come as close as folding is dear, rest a while after one, and not where nothing was measured", () => {
  const spacing = new Spacing(undefined);
  assert.equal(spacing.every, 16_000);
  assert.ok(spacing.due(16_000, 0));
  spacing.learn({ records: 16_000, fold: 640, rest: 160 }, 5000);
  assert.equal(spacing.every, 5000);
  assert.ok(!spacing.due(16_000, 5001), "it rests for ten times what the last one took");
  assert.ok(spacing.due(16_000, 13_001));
  assert.ok(spacing.due(50_000, 5001), "a start has to fold what came since");
  spacing.learn({ records: 5000, fold: 10, rest: 2000 }, 0);
  assert.equal(spacing.every, 50_000);
  spacing.learn({ records: 10, fold: 900, rest: 1 }, 0);
  assert.equal(spacing.every, 50_000, "ten records tell nothing");
  const told = new Spacing(20);
  told.learn({ records: 16_000, fold: 640, rest: 160 }, 5000);
  assert.ok(told.due(20, 0));
});

test("older snapshots stay for the past, and a moment is folded from the nearest before it", async () => {
  const files = recordingFiles();
  for (let turn = 0; turn < 30; turn += 1) {
    const kernel = await open(files, { fold: () => never, snapshotEvery: 10 });
    const owner = kernel.attach(fullAuthority("owner"), "test");
    for (let at = 0; at < 12; at += 1)
      await owner.append("/comb/ctl", { op: "hatch", bee: `b-${turn}-${at}` });
    await kernel.close();
  }
  const names = (await files.list("snapshot")).filter((name) => name.endsWith(".rows"));
  const seqs = names.map((name) => Number(name.slice(0, -5))).sort((one, other) => one - other);
  assert.equal(seqs.length, 29, seqs.join(" "));
  const gaps = seqs.map((seq, at) => seq - (seqs[at - 1] ?? 0));
  assert.ok(Math.max(...gaps) <= 14, gaps.join(" "));
  const journal = await Journal.openToRead(recordingFiles(files.image()));
  const { code } = new Slices([toyProvider()], "toy");
  const [, , third = 0] = seqs;
  assert.equal((await usable(files, journal, code, third + 5))?.seq, third);
  assert.equal(await usable(files, journal, "other", third + 5), undefined);
  const digests = await Promise.all(
    [third + 5, 7].map(async (seq) =>
      (await foldTo(files, journal, [toyProvider()], "toy", seq)).state.digest(),
    ),
  );
  const bare = recordingFiles(files.image());
  for (const name of await bare.list("snapshot")) await bare.remove(`snapshot/${name}`);
  const genesis = await Promise.all(
    [third + 5, 7].map(async (seq) =>
      (await foldTo(bare, journal, [toyProvider()], "toy", seq)).state.digest(),
    ),
  );
  assert.deepEqual(digests, genesis);
});

test("after an upgrade the older snapshots are made anew with rests between them, and the newest stays the newest", async () => {
  const files = recordingFiles();
  for (let turn = 0; turn < 12; turn += 1) {
    const kernel = await open(files, { fold: () => never, snapshotEvery: 10 });
    await hatch(kernel, 12, `b-${turn}`);
    await kernel.close();
  }
  const asked: number[] = [];
  const said: string[] = [];
  const clock = simulatedClock();
  const version = "toy-2";
  const fold = async (seq: number): Promise<Made> => {
    asked.push(seq);
    const journal = await Journal.openToRead(recordingFiles(files.image()));
    const slices = await foldTo(files, journal, [toyProvider()], version, seq);
    return { ...(await writeSnapshot(files, slices, seq)), code: slices.code };
  };
  const options = { fold, snapshotEvery: 10, version, clock, log: (line: string) => said.push(line) };
  const kernel = await open(files, options);
  const turns = async (): Promise<void> => {
    for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => void setImmediate(resolve));
  };
  await turns();
  assert.deepEqual(asked, [], "a start is over before it");
  const newest = kernel.recovered.made?.seq ?? 0;
  for (let round = 0; round < 40; round += 1) {
    clock.advance(20_000);
    await turns();
  }
  assert.ok(asked.length >= newest / 10 - 5, `${asked.join(" ")} of ${newest}`);
  assert.equal(said.filter((line) => line.startsWith("snapshots: ")).length, 1);
  await kernel.close();
  const journal = await Journal.openToRead(recordingFiles(files.image()));
  const { code } = new Slices([toyProvider()], version);
  const gaps = [35, 75].map(async (seq) => seq - ((await usable(files, journal, code, seq))?.seq ?? 0));
  const far = await Promise.all(gaps);
  assert.ok(Math.max(...far) <= 15, `${far.join(" ")}: made ${asked.join(" ")}, ${said.join("; ")}`);
  const again = await open(files, { ...options, fold: () => never });
  assert.ok((again.recovered.snapshot ?? 0) >= newest);
  await again.close();
});
